package load_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/load"
)

func TestLoadGoesToLoopbackOnly(t *testing.T) {
	for _, base := range []string{"http://127.0.0.1:8080", "http://127.8.9.1:1", "http://[::1]:8080/", "http://localhost:8080"} {
		c, err := load.NewClient(base, load.ClientOptions{})
		require.NoError(t, err, base)
		c.Close()
	}
	for base, want := range map[string]string{
		"http://192.0.2.1:80":       `"192.0.2.1" is not a loopback address: load is only sent to 127.0.0.0/8, [::1] or localhost`,
		"http://example.com":        `"example.com" is not a loopback address`,
		"http://localhost.evil:80":  `is not a loopback address`,
		"http://0.0.0.0:80":         `is not a loopback address`,
		"https://127.0.0.1":         `give it as http://HOST:PORT`,
		"127.0.0.1:80":              `load: target: `,
		"http://127.0.0.1/v1":       `give it as http://HOST:PORT`,
		"http://me:pw@127.0.0.1:80": `give it as http://HOST:PORT`,
	} {
		_, err := load.NewClient(base, load.ClientOptions{})
		require.ErrorContains(t, err, want, base)
	}
}

func TestProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:3128")
	s := server(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") })
	require.Empty(t, send(t, s, load.Request{}).Failure)
}

func server(t *testing.T, handler http.HandlerFunc) (url string) {
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

func send(t *testing.T, url string, r load.Request) load.Answer {
	t.Helper()
	c, err := load.NewClient(url, load.ClientOptions{Timeout: 10 * time.Second})
	require.NoError(t, err)
	defer c.Close()
	return c.Send(t.Context(), r)
}

func TestAnswersAreJudged(t *testing.T) {
	for name, c := range map[string]struct {
		stream bool
		answer http.HandlerFunc
		want   load.Failure
		status int
		first  bool
	}{
		"whole answer": {answer: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }, status: 200, first: true},
		"empty answer": {answer: func(w http.ResponseWriter, _ *http.Request) {}, status: 200},
		"stream": {stream: true, status: 200, first: true, answer: func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "data: {}\n\ndata: "+strings.Repeat("x", 10_000)+"\n\ndata: [DONE]\n\n")
		}},
		"stream without its end": {stream: true, status: 200, first: true, want: load.Truncated,
			answer: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "data: {}\n\n") }},
		"stream of comments only": {stream: true, status: 200, want: load.Truncated,
			answer: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, ": keep-alive\n\n") }},
		"stream with an error in it": {stream: true, status: 200, first: true, want: load.ErrorEvent,
			answer: func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, "data: {\"error\":{}}\n\ndata: [DONE]\n\n")
			}},
		"stream broken off": {stream: true, status: 200, first: true, want: load.Truncated,
			answer: func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, "data: {}\n\n")
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}},
		"answer broken off": {status: 200, first: true, want: load.Truncated,
			answer: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "10")
				fmt.Fprint(w, "{")
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}},
		"no answer": {want: load.Broken, answer: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		"error status": {stream: true, status: 503, first: true, want: load.BadStatus,
			answer: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 503) }},
		"redirect, which is not followed": {status: 302, want: load.BadStatus,
			answer: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "http://192.0.2.1/")
				w.WriteHeader(302)
			}},
	} {
		t.Run(name, func(t *testing.T) {
			url := server(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Served-By", "me")
				c.answer(w, r)
			})
			got := send(t, url, load.Request{Path: "/", Stream: c.stream})
			require.Equal(t, c.want, got.Failure, "%v", got.Err)
			require.Equal(t, c.status, got.Status)
			require.Equal(t, c.first, !got.First.IsZero())
			if c.status > 0 {
				require.Equal(t, "me", got.ServedBy)
			}
		})
	}
}

func TestTimeoutAndRefusal(t *testing.T) {
	url := server(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c, err := load.NewClient(url, load.ClientOptions{Timeout: time.Millisecond})
	require.NoError(t, err)
	defer c.Close()
	require.Equal(t, load.TimedOut, c.Send(t.Context(), load.Request{}).Failure)

	gone := httptest.NewServer(nil)
	gone.Close()
	require.Equal(t, load.Refused, send(t, gone.URL, load.Request{}).Failure)
}

func TestChatRequests(t *testing.T) {
	r := load.Chat(load.ChatOptions{Model: "m", Prompt: `say "hi"`, MaxTokens: 3, Stream: true, Work: 1.5})
	require.Equal(t, "/v1/chat/completions", r.Path)
	require.True(t, r.Stream)
	require.JSONEq(t, `{"model":"m","messages":[{"role":"user","content":"say \"hi\""}],"max_tokens":3,"stream":true}`, string(r.Body))
	require.Equal(t, http.Header{backend.WorkHeader: {"1.5"}}, r.Header)
	r = load.Chat(load.ChatOptions{})
	require.JSONEq(t, `{"messages":[{"role":"user","content":""}]}`, string(r.Body))
	require.Nil(t, r.Header)
}

// Generator, client and simulated server agree on what happened.
func TestLoadOnASimulatedServer(t *testing.T) {
	s, err := backend.New(backend.Options{Name: "small", Capacity: 5000, Slots: 50, UnitTokens: 4})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	client, err := load.NewClient(s.URL(), load.ClientOptions{})
	require.NoError(t, err)

	g, err := load.New(load.Options{
		Rate: 1000, Requests: 300, Seed: 1,
		Next: func(n int, draws *rand.Rand) load.Request {
			if n == 200 {
				require.NoError(t, s.SetFault(backend.CutStream, 0))
			}
			return load.Chat(load.ChatOptions{Stream: n%2 == 0, Work: 0.1 + draws.Float64()})
		},
		Send: client.Send,
	})
	require.NoError(t, err)
	require.NoError(t, g.Run(t.Context()))
	client.Close()
	stop()
	require.NoError(t, <-ended)

	got, counts := g.Results(), s.Counts()
	require.Equal(t, int64(300), got.Offered)
	require.Equal(t, int64(300), counts.Requests)
	require.Equal(t, counts.Completed, got.Answered, "%+v %v", got.Failed, got.LastError)
	require.Equal(t, map[load.Failure]int64{load.Truncated: counts.Failed}, got.Failed)
	require.GreaterOrEqual(t, counts.Failed, int64(100))
	servedBy := map[string]int64{"small": counts.Completed}
	if counts.Completed == 0 { // on a busy machine the fault may come before the first answer has ended
		servedBy = map[string]int64{}
	}
	require.Equal(t, servedBy, got.ServedBy)
	require.Equal(t, counts.Completed, got.Response.TotalCount())
}
