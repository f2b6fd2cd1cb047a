package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ended is one request of the load, once it is over.
type ended struct {
	began   time.Time
	server  string // who answered, or whom the error names
	problem string // why it is lost; "" for a whole answer
}

// load is a closed loop: each client sends its next request when the one before has ended. Every other one is a stream.
type load struct {
	url     string
	client  *http.Client
	stop    chan struct{}
	clients sync.WaitGroup

	mu  sync.Mutex
	all []ended // under mu; written by the clients
}

func startLoad(t *testing.T, url string, clients int) *load {
	t.Helper()
	l := &load{url: url, stop: make(chan struct{}), client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}}
	for n := range clients {
		l.clients.Go(func() {
			for stream := n%2 == 0; ; stream = !stream {
				select {
				case <-l.stop:
					return
				default:
				}
				e := l.ask(stream)
				l.mu.Lock()
				l.all = append(l.all, e)
				l.mu.Unlock()
			}
		})
	}
	return l
}

// finish ends the load and returns every request there was.
func (l *load) finish() []ended {
	close(l.stop)
	l.clients.Wait()
	l.client.CloseIdleConnections()
	return l.all
}

// awaitMore waits for n whole answers to requests that begin from now on, from the server if one is named.
func (l *load) awaitMore(t *testing.T, n int, server string) {
	t.Helper()
	now := time.Now()
	eventually(t, fmt.Sprintf("%d more answers %s", n, server), func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		got := 0
		for _, e := range l.all {
			if e.problem == "" && e.began.After(now) && (server == "" || e.server == server) {
				got++
			}
		}
		return got >= n
	})
}

// blamed finds the endpoint that an error of the gateway names.
var blamed = regexp.MustCompile(`endpoint ([a-z]+):`)

func (l *load) ask(stream bool) ended {
	e := ended{began: time.Now()}
	r, err := l.client.Do(question(l.url, stream, 16))
	if err != nil {
		e.problem = "no answer: " + err.Error()
		return e
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	e.server = r.Header.Get("X-Served-By")
	switch {
	case r.StatusCode != http.StatusOK:
		e.problem = r.Status + ": " + string(body)
		if m := blamed.FindSubmatch(body); m != nil {
			e.server = string(m[1])
		}
	case err != nil:
		e.problem = "cut: " + err.Error()
	case stream && !strings.HasSuffix(string(body), "data: [DONE]\n\n"), !stream && !json.Valid(body):
		e.problem = fmt.Sprintf("looks whole and is not: %q", body)
	}
	return e
}

// question is a chat request for so many tokens.
func question(url string, stream bool, tokens int) *http.Request {
	body := fmt.Sprintf(`{"model":"steelyard-demo","messages":[{"role":"user","content":"Hello"}],"stream":%v,"max_tokens":%d}`, stream, tokens)
	r, err := http.NewRequest(http.MethodPost, url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		panic("BUG: make request: " + err.Error())
	}
	r.Header.Set("Content-Type", "application/json")
	return r
}

// openStream asks for a stream that takes seconds and returns when its first bytes have come.
func openStream(t *testing.T, url string) io.Reader {
	t.Helper()
	r, err := http.DefaultClient.Do(question(url, true, 600))
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Body.Close() })
	require.Equal(t, http.StatusOK, r.StatusCode)
	first := make([]byte, 5)
	_, err = io.ReadFull(r.Body, first)
	require.NoError(t, err)
	require.Equal(t, "data:", string(first))
	return r.Body
}
