package load_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/load"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// burst is n requests a tenth of a millisecond apart, every second one a stream.
func burst(n int) trace.Trace {
	t := trace.Trace{}
	for i := range n {
		t.Requests = append(t.Requests, trace.Request{At: time.Duration(i) * 100 * time.Microsecond, Work: 1, Stream: i%2 == 1})
	}
	return t
}

// simulated is a server for the length of a test.
func simulated(tb testing.TB, o backend.Options) *backend.Server {
	s, err := backend.New(o)
	require.NoError(tb, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	tb.Cleanup(func() {
		stop()
		require.NoError(tb, <-ended)
	})
	return s
}

func server(t *testing.T, handler http.HandlerFunc) (url string) {
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

// failures counts the requests that failed.
func failures(samples []load.Sample) map[load.Failure]int {
	failed := map[load.Failure]int{}
	for _, s := range samples {
		if s.Failure != "" {
			failed[s.Failure]++
		}
	}
	return failed
}

func TestReplayIsWhatTheServerSaw(t *testing.T) {
	s := simulated(t, backend.Options{Name: "small", Engine: engine.Options{Capacity: 10_000, Slots: 4}, UnitTokens: 4})
	got, err := load.Replay(t.Context(), burst(200), load.Options{URL: s.URL(), Connections: 2})
	require.NoError(t, err)
	require.Len(t, got, 200)
	require.Empty(t, failures(got))
	require.Equal(t, int64(200), s.Counts().Completed)
	for i, sample := range got {
		require.Equal(t, 200, sample.Status)
		require.Equal(t, "small", sample.ServedBy)
		require.Positive(t, sample.Late)
		require.Greater(t, sample.Response, sample.Late, "request %d", i)
		require.GreaterOrEqual(t, sample.Response, 400*time.Microsecond, "one unit takes as long")
	}
}

// TestResponsesCountFromTheIntendedStart sends to a server that stands still until all requests have come: the arrivals
// wait for nobody, and whoever came early waited for as long.
func TestResponsesCountFromTheIntendedStart(t *testing.T) {
	sent := burst(100)
	var came atomic.Int64
	all := make(chan struct{})
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		if came.Add(1) == 100 {
			close(all)
		}
		<-all
		fmt.Fprint(w, "data: [DONE]\n\n")
	})
	got, err := load.Replay(t.Context(), sent, load.Options{URL: url})
	require.NoError(t, err)
	require.Empty(t, failures(got))
	for i, s := range got {
		require.GreaterOrEqual(t, s.Response, sent.Requests[99].At-sent.Requests[i].At, "request %d", i)
	}
}

// TestLateSendingIsPartOfTheResponse has the sender itself held up: nothing is forgiven.
func TestLateSendingIsPartOfTheResponse(t *testing.T) {
	const held = 50 * time.Millisecond
	url := server(t, func(http.ResponseWriter, *http.Request) {})
	got, err := load.Replay(t.Context(), burst(1), load.Options{URL: url, Start: time.Now().Add(-held)})
	require.NoError(t, err)
	require.GreaterOrEqual(t, got[0].Late, held)
	require.Greater(t, got[0].Response, got[0].Late)
}

func TestReplayCountsWhatWentWrong(t *testing.T) {
	s := simulated(t, backend.Options{Engine: engine.Options{Capacity: 10_000}})
	for kind, want := range map[backend.Fault]load.Failure{
		backend.CutStream: load.Truncated, backend.Error500: load.BadStatus, backend.Reset: load.Broken,
	} {
		require.NoError(t, s.SetFault(kind, 0))
		got, err := load.Replay(t.Context(), burst(20), load.Options{URL: s.URL()})
		require.NoError(t, err)
		require.Equal(t, map[load.Failure]int{want: 20}, failures(got), kind)
		require.Equal(t, want == load.BadStatus, got[0].Err == nil)
	}
}

// TestSamplesSayWhatCame: the number that a server got, when the answer began, and what a failure brought with it.
func TestSamplesSayWhatCame(t *testing.T) {
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get(load.NumberHeader) {
		case "0":
			w.Header().Set("Retry-After", "3")
			w.WriteHeader(http.StatusServiceUnavailable)
		case "1":
			fmt.Fprint(w, "data: {\"error\": 1}\n\n")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case "2":
			fmt.Fprint(w, "fine")
		}
	})
	sent := trace.Trace{Requests: []trace.Request{{}, {Stream: true}, {}}}
	got, err := load.Replay(t.Context(), sent, load.Options{URL: url, Numbered: true})
	require.NoError(t, err)
	require.Equal(t, "3", got[0].RetryAfter)
	require.Equal(t, load.Truncated, got[1].Failure)
	require.True(t, got[1].Told, "an error event came, and then no end")
	require.Empty(t, got[2].Failure)
	require.False(t, got[2].Told)
	for _, s := range got {
		require.Positive(t, s.First)
		require.LessOrEqual(t, s.First, s.Response)
	}
}

func TestLoadGoesToLoopbackOnly(t *testing.T) {
	for _, base := range []string{"http://127.0.0.1:1", "http://127.8.9.1:1", "http://[::1]:1/", "http://localhost:1"} {
		_, err := load.Replay(t.Context(), trace.Trace{}, load.Options{URL: base, Connections: 1})
		require.ErrorContains(t, err, "load: connect to "+base)
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
		_, err := load.Replay(t.Context(), trace.Trace{}, load.Options{URL: base})
		require.ErrorContains(t, err, want, base)
	}
}

func TestReplayRefusesWhatCannotWork(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	_, err := load.Replay(t.Context(), burst(1), load.Options{URL: gone.URL})
	require.ErrorContains(t, err, "load: connect to "+gone.URL)
	_, err = load.Replay(t.Context(), burst(1), load.Options{URL: "http://127.0.0.1:1", Connections: -1})
	require.ErrorContains(t, err, "must be positive")
}

// hanging is a server that answers nobody who stays, and tells who came.
func hanging(t *testing.T) (url string, came chan struct{}) {
	came = make(chan struct{}, 10)
	return server(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does net/http see the client leave
		came <- struct{}{}
		<-r.Context().Done()
	}), came
}

func TestReplayThatIsStopped(t *testing.T) {
	url, came := hanging(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-came
		cancel()
	}()
	longest := burst(2)
	longest.Requests[1].At = time.Hour
	got, err := load.Replay(ctx, longest, load.Options{URL: url})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, map[load.Failure]int{load.Abandoned: 2}, failures(got))
	require.NoError(t, got[0].Err)
}

// TestSendGoesOnUntilItIsStopped has requests without an end.
func TestSendGoesOnUntilItIsStopped(t *testing.T) {
	url := server(t, func(http.ResponseWriter, *http.Request) {})
	ctx, cancel := context.WithCancel(t.Context())
	endless := func(yield func(trace.Request) bool) {
		for at := time.Duration(0); yield(trace.Request{At: at}); at += time.Millisecond {
		}
	}
	var ended atomic.Int64
	err := load.Send(ctx, endless, load.Options{URL: url}, func(n int, s load.Sample) {
		if ended.Add(1) == 10 {
			cancel()
		}
		if s.Failure != "" && s.Failure != load.Abandoned {
			t.Errorf("request %d: %s: %v", n, s.Failure, s.Err)
		}
	})
	require.ErrorIs(t, err, context.Canceled)
	require.GreaterOrEqual(t, ended.Load(), int64(10))
}

func TestReplayBoundsWhatIsInFlight(t *testing.T) {
	url, came := hanging(t)
	ctx, cancel := context.WithCancel(t.Context())
	var overflown atomic.Int64
	go func() {
		<-came
		for overflown.Load() < 2 {
			runtime.Gosched()
		}
		cancel()
	}()
	failed := make(chan load.Sample, 3)
	err := load.Send(ctx, slices.Values(burst(3).Requests), load.Options{URL: url, MaxInFlight: 1, Connections: 1}, func(_ int, s load.Sample) {
		if s.Failure == load.Overflow {
			overflown.Add(1)
		}
		failed <- s
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, map[load.Failure]int{load.Abandoned: 1, load.Overflow: 2}, failures([]load.Sample{<-failed, <-failed, <-failed}))
}

func TestReplaySaysWhatTheTraceSays(t *testing.T) {
	type seen struct {
		work, path string
		body       map[string]any
	}
	requests := make(chan seen, 10)
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		s := seen{work: r.Header.Get(backend.WorkHeader), path: r.URL.Path}
		if err := json.NewDecoder(r.Body).Decode(&s.body); err != nil {
			t.Error(err)
		}
		requests <- s
		fmt.Fprint(w, "data: [DONE]\n\n")
	})
	sent := trace.Trace{Requests: []trace.Request{
		{Work: 0.25, MaxTokens: 50, PromptBytes: 100_000, Stream: true},
		{At: time.Millisecond, Work: 1e-9, PromptBytes: 7},
	}}
	got, err := load.Replay(t.Context(), sent, load.Options{URL: url, Model: `m"`, Start: time.Now()})
	require.NoError(t, err)
	require.Empty(t, failures(got))
	for range sent.Requests {
		s := <-requests
		require.Equal(t, "/v1/chat/completions", s.path)
		require.Equal(t, `m"`, s.body["model"])
		prompt := s.body["messages"].([]any)[0].(map[string]any)["content"].(string)
		if s.work == "0.25" {
			require.Len(t, prompt, 100_000)
			require.Equal(t, 50.0, s.body["max_tokens"])
			require.Equal(t, true, s.body["stream"])
		} else {
			require.Equal(t, "1e-09", s.work)
			require.Equal(t, "Weigh u", prompt)
			require.NotContains(t, s.body, "max_tokens")
			require.NotContains(t, s.body, "stream")
		}
	}
}

// answering serves connections with bytes: the same for every request, which
// has no body worth reading. It counts the connections.
func answering(t *testing.T, answer string, closes bool) (url string, connections *atomic.Int64) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	connections = new(atomic.Int64)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			go func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					io.Copy(io.Discard, r.Body)
					io.WriteString(conn, answer)
					if closes {
						return
					}
				}
			}()
		}
	}()
	return "http://" + listener.Addr().String(), connections
}

func TestReplayReadsAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for name, c := range map[string]struct {
		answer string
		stream bool
		closes bool // the server does, behind the answer
		want   load.Failure
		err    string
		once   bool // the connection is not used again
	}{
		"length":                          {answer: ok + "Content-Length: 2\r\n\r\n{}"},
		"empty":                           {answer: ok + "Content-Length: 0\r\n\r\n"},
		"no content":                      {answer: "HTTP/1.1 204 No Content\r\n\r\n"},
		"chunks":                          {answer: ok + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\nTrailer: x\r\n\r\n"},
		"interim answers":                 {answer: "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok + "Content-Length: 2\r\n\r\n{}"},
		"events":                          {stream: true, answer: ok + "Transfer-Encoding: chunked\r\n\r\n8\r\ndata: {}\r\nf\r\n\n\ndata: [DONE]\n\r\n1\r\n\n\r\n0\r\n\r\n"},
		"no [DONE]":                       {stream: true, answer: ok + "Content-Length: 10\r\n\r\ndata: {}\n\n", want: load.Truncated, err: "without [DONE]"},
		"error event":                     {stream: true, answer: ok + "Content-Length: 16\r\n\r\ndata: {\"error\"}\n", want: load.ErrorEvent, err: "reported an error"},
		"error status":                    {answer: "HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno", want: load.BadStatus},
		"until close":                     {answer: ok + "\r\n{}", closes: true, once: true},
		"HTTP/1.0":                        {answer: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", once: true},
		"connection said":                 {answer: ok + "Connection: Close\r\nContent-Length: 2\r\n\r\n{}", once: true},
		"more than said":                  {answer: ok + "Content-Length: 1\r\n\r\n{}", once: true},
		"length cut":                      {answer: ok + "Content-Length: 3\r\n\r\n{}", closes: true, want: load.Truncated, err: "unexpected EOF", once: true},
		"chunk cut":                       {answer: ok + "Transfer-Encoding: chunked\r\n\r\n5\r\n{}", closes: true, want: load.Truncated, err: "unexpected EOF", once: true},
		"last chunk cut":                  {answer: ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", closes: true, want: load.Truncated, err: "unexpected EOF", once: true},
		"chunk too long":                  {answer: ok + "Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n", want: load.Truncated, err: "malformed chunked encoding", once: true},
		"chunk size":                      {answer: ok + "Transfer-Encoding: chunked\r\n\r\n-1\r\n", want: load.Truncated, err: "chunk length", once: true},
		"head cut":                        {answer: ok + "Content-", closes: true, want: load.Broken, err: "malformed MIME header", once: true},
		"no HTTP":                         {answer: "220 mail.example.org ESMTP\r\n", want: load.Broken, err: "malformed HTTP status", once: true},
		"no status":                       {answer: "HTTP/1.1 abc OK\r\n", want: load.Broken, err: "malformed HTTP status", once: true},
		"bad length":                      {answer: ok + "Content-Length: -1\r\n\r\n", want: load.Broken, err: `Content-Length "-1"`, once: true},
		"gzip, chunked":                   {answer: ok + "Transfer-Encoding: gzip, chunked\r\n\r\n", want: load.Broken, err: "unsupported transfer encoding", once: true},
		"comments only":                   {stream: true, answer: ok + "Content-Length: 14\r\n\r\n: keep-alive\n\n", want: load.Truncated, err: "without [DONE]"},
		"long event":                      {stream: true, answer: ok + "Content-Length: 10021\r\n\r\ndata: " + strings.Repeat("x", 10_000) + "\ndata: [DONE]\n\n"},
		"redirect, which is not followed": {answer: "HTTP/1.1 302 No\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n", want: load.BadStatus},
		"nothing":                         {closes: true, want: load.Broken, err: "EOF", once: true},
	} {
		t.Run(name, func(t *testing.T) {
			url, connections := answering(t, c.answer, c.closes)
			two := trace.Trace{Requests: []trace.Request{{Stream: c.stream}, {At: 20 * time.Millisecond, Stream: c.stream}}}
			got, err := load.Replay(t.Context(), two, load.Options{URL: url, Connections: 1})
			require.NoError(t, err)
			for _, s := range got {
				require.Equal(t, c.want, s.Failure, "%v", s.Err)
				if c.err != "" {
					require.ErrorContains(t, s.Err, c.err)
				}
			}
			if c.once {
				require.Equal(t, int64(2), connections.Load())
			} else {
				require.LessOrEqual(t, connections.Load(), int64(2)) // two where the first answer took until the second request
			}
		})
	}
}
