package load

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ear is a sink that remembers.
type ear struct {
	mu      sync.Mutex // guards the rest
	events  []string
	waiting float64
	running float64
	tokens  int64
}

func (e *ear) note(what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events = append(e.events, what)
}

func (e *ear) Restarted(why string) { e.note("restarted: " + why) }
func (e *ear) Lost(why string)      { e.note("lost: " + why) }
func (e *ear) Heard(engine string)  { e.note("heard: " + engine) }
func (e *ear) CacheTokens(n int64)  { e.mu.Lock(); e.tokens = n; e.mu.Unlock() }
func (e *ear) Foreign(w, r float64) { e.mu.Lock(); e.waiting, e.running = w, r; e.mu.Unlock() }
func (e *ear) foreign() [2]float64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return [2]float64{e.waiting, e.running}
}
func (e *ear) all() (events []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append(events, e.events...)
}

// fake is an engine within a bubble of virtual time, over pipes.
type fake struct {
	text  atomic.Pointer[string] // what it publishes; nil: it takes the question and says nothing
	asked atomic.Int64
}

func (f *fake) say(format string, a ...any) {
	text := fmt.Sprintf(format, a...)
	f.text.Store(&text)
}

func (f *fake) dial() net.Conn {
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		b := make([]byte, 4096)
		for {
			if _, err := theirs.Read(b); err != nil {
				return
			}
			f.asked.Add(1)
			text := f.text.Load()
			if text == nil {
				_, _ = theirs.Read(b) // until the other side gives up
				return
			}
			if _, err := fmt.Fprintf(theirs, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(*text), *text); err != nil {
				return
			}
		}
	}()
	return ours
}

// follow runs a listener of the fake until the test's bubble ends.
func (f *fake) follow(t *testing.T, o Options) *Listener {
	t.Helper()
	l := New(o, Target{Name: "small", Address: "127.0.0.1:1", dial: f.dial})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = l.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return l
}

// bubble runs a test in virtual time, and ends what runs for it within.
func bubble(t *testing.T, run func(t *testing.T, f *fake, e *ear)) {
	synctest.Test(t, func(t *testing.T) { run(t, new(fake), new(ear)) })
}

func after(d time.Duration) { <-time.After(d); synctest.Wait() }

func TestForeignRequests(t *testing.T) {
	bubble(t, func(t *testing.T, f *fake, e *ear) {
		var ours atomic.Int64
		ours.Store(10)
		f.say("vllm:num_requests_running 24\nvllm:num_requests_waiting 6\nvllm:cache_config_info{block_size=\"16\",num_gpu_blocks=\"100\"} 1\n")
		l := f.follow(t, Options{Sink: e, InFlight: ours.Load, Memory: 10 * time.Second})
		after(2 * time.Second)
		soon := e.foreign()
		assert.Less(t, soon[0]+soon[1], 8.0, "one comparison says little")
		after(time.Minute)
		assert.InDelta(t, 20, l.Report().ForeignWaiting+l.Report().ForeignRunning, 0.2)
		assert.InDelta(t, 4, e.foreign()[0], 0.2, "as many of them wait as of all")
		assert.EqualValues(t, 1600, e.tokens)
		assert.InDelta(t, 60, f.asked.Load(), 8, "once in a second")
		ours.Store(35)
		after(time.Minute)
		assert.Zero(t, e.foreign(), "we have more there than the engine counts")
		ours.Store(28)
		after(time.Minute)
		assert.InDelta(t, 2, e.foreign()[0]+e.foreign()[1], 0.2)
		ours.Store(30)
		after(time.Minute)
		assert.Zero(t, e.foreign(), "one request is chance")
		assert.Empty(t, e.all())
	})
}

// TestStaleSignals: what is not heard any more is told once, and steers nothing.
func TestStaleSignals(t *testing.T) {
	bubble(t, func(t *testing.T, f *fake, e *ear) {
		f.say("vllm:num_requests_running 24\n")
		l := f.follow(t, Options{Sink: e})
		after(time.Minute)
		require.Positive(t, e.foreign()[1])
		f.text.Store(nil)
		after(1500 * time.Millisecond)
		assert.Positive(t, e.foreign()[1], "it is still fresh")
		after(4 * time.Second)
		r := l.Report()
		assert.True(t, r.Heard)
		assert.True(t, r.Stale)
		assert.EqualValues(t, 24, r.Running, "it is still shown, with its age")
		assert.InDelta(t, 5.5, r.Age.Seconds(), 1.2)
		assert.Zero(t, e.foreign())
		after(10 * time.Minute)
		assert.Equal(t, []string{"lost: GET /metrics: no answer within 1s"}, e.all(), "said once")
		f.say("vllm:num_requests_running 24\n")
		after(3 * time.Second)
		assert.Equal(t, "heard: vllm", e.all()[1])
		assert.Empty(t, l.Report().Failure)
		f.say("<html>not here</html>")
		after(10 * time.Second)
		assert.Equal(t, "lost: GET /metrics: the answer has no metrics of any engine that is known", e.all()[2])
		assert.Len(t, e.all(), 3)
	})
}

func TestNeverHeard(t *testing.T) {
	bubble(t, func(t *testing.T, f *fake, e *ear) {
		l := f.follow(t, Options{Sink: e, Engine: "sglang", Interval: 10 * time.Second})
		r := l.Report()
		assert.True(t, r.Stale)
		assert.False(t, r.Heard)
		assert.Equal(t, "nothing has been heard yet", r.Failure)
		after(25 * time.Second)
		assert.Empty(t, e.all(), "it may still start")
		after(time.Minute)
		assert.Equal(t, []string{"lost: GET /metrics: no answer within 10s"}, e.all())
		assert.InDelta(t, 85, l.Report().Age.Seconds(), 1)
	})
}

func TestRestarts(t *testing.T) {
	bubble(t, func(t *testing.T, f *fake, e *ear) {
		page := func(finished, tokens int, start string) string {
			return fmt.Sprintf("process_start_time_seconds %s\nvllm:num_requests_running 30\nvllm:request_success_total %d\nvllm:generation_tokens_total %d\n", start, finished, tokens)
		}
		f.say("%s", page(100, 5000, "1.7e9"))
		f.follow(t, Options{Sink: e, Memory: 10 * time.Second})
		after(30 * time.Second)
		require.Positive(t, e.foreign()[1])
		f.say("%s", page(200, 7000, "1.7e9"))
		after(2 * time.Second)
		f.text.Store(nil)
		after(20 * time.Second)
		require.Len(t, e.all(), 1)
		f.say("%s", page(200, 7000, "1.7e9"))
		after(2 * time.Second)
		require.Len(t, e.all(), 2, "it was away, and is the same")
		f.say("%s", page(0, 7000, "1.7e9"))
		after(2 * time.Second)
		assert.Equal(t, "restarted: its count of finished requests went back", e.all()[2])
		assert.Less(t, e.foreign()[1], 10.0, "what others had there is gone as well")
		f.say("%s", page(0, 10, "1.7e9"))
		after(2 * time.Second)
		assert.Equal(t, "restarted: its count of tokens went back", e.all()[3])
		f.say("%s", page(1, 20, "1.8e9"))
		after(2 * time.Second)
		assert.Equal(t, "restarted: its process has another time of start", e.all()[4])
		f.say("vllm:num_requests_running 1\n")
		after(2 * time.Second)
		f.say("%s", page(1, 20, "1.8e9"))
		after(2 * time.Second)
		assert.Len(t, e.all(), 5, "a figure that is missing once says nothing")
	})
}

// TestSeveralServersBehindOneAddress: what they say in turn is no signal of any of them.
func TestSeveralServersBehindOneAddress(t *testing.T) {
	bubble(t, func(t *testing.T, f *fake, e *ear) {
		l := f.follow(t, Options{Sink: e})
		for i := range 60 {
			f.say("vllm:num_requests_running 30\nvllm:request_success_total %d\n", 100+1000*(i%2)+i)
			after(time.Second)
		}
		assert.LessOrEqual(t, len(e.all()), manyStarts+1)
		assert.Contains(t, e.all(), "lost: several servers answer at this address in turn")
		assert.Zero(t, e.foreign())
		assert.True(t, l.Report().Stale)
		f.say("vllm:num_requests_running 30\nvllm:request_success_total 5000\n")
		after(2 * time.Minute)
		assert.False(t, l.Report().Stale)
		assert.Positive(t, e.foreign()[1])
	})
}

func TestConfigure(t *testing.T) {
	bubble(t, func(t *testing.T, f *fake, e *ear) {
		f.say("vllm:num_requests_running 30\n")
		l := f.follow(t, Options{Sink: e, Interval: time.Hour})
		after(time.Hour + time.Minute)
		require.True(t, l.Report().Heard)
		l.Configure(Options{Sink: e, Interval: time.Minute})
		assert.True(t, l.Report().Heard, "only the interval has changed")
		before := f.asked.Load()
		after(10 * time.Minute)
		assert.InDelta(t, 10, f.asked.Load()-before, 2)
		l.Configure(Options{Sink: e, Engine: "tgi"})
		assert.False(t, l.Report().Heard, "another engine has said nothing yet")
		f.say("tgi_batch_current_size 1\n")
		after(2 * time.Second)
		assert.Equal(t, "tgi", l.Report().Engine)
	})
}

func TestHeaderInAnswers(t *testing.T) {
	bubble(t, func(t *testing.T, f *fake, e *ear) {
		l := f.follow(t, Options{Sink: e, Engine: "orca"})
		require.True(t, l.Due())
		assert.False(t, l.Due(), "once in an interval")
		l.Tell([]byte("TEXT named_metrics.kv_cache_usage_perc=0.25, named_metrics.num_requests_waiting=3"))
		after(time.Second)
		r := l.Report()
		assert.False(t, r.Stale)
		assert.InDelta(t, 0.25, float64(r.CacheUsedRatio), 1e-9)
		assert.EqualValues(t, 3, r.Waiting)
		assert.Zero(t, e.foreign(), "those that run are not known")
		assert.True(t, l.Due())
		l.Tell([]byte("BIN CZqZmZmZmbk="))
		assert.Equal(t, "header endpoint-load-metrics is neither TEXT nor JSON", l.Report().Failure)
		after(time.Minute)
		assert.True(t, l.Report().Stale)
		assert.Empty(t, e.all(), "who gets no requests says nothing")
		assert.Zero(t, f.asked.Load())
		l.Configure(Options{Sink: e})
		assert.False(t, l.Due())
		l.Tell([]byte("TEXT named_metrics.num_requests_waiting=9"))
		assert.False(t, l.Report().Heard, "a late answer")
	})
}

// TestRealServers: over sockets, with and without TLS, at the path and port that are asked for.
func TestRealServers(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.RequestURI() {
		case "/metrics":
			w.Header().Set("Process-Start-Time-Unix", "1700000000")
			_, _ = w.Write(testdata(t, "llamacpp.txt"))
		case "/api/ps":
			_, _ = w.Write(testdata(t, "ollama.json"))
		case "/deep/metrics?model=a":
			assert.Equal(t, "gpu.example", r.Host)
			assert.Equal(t, "steelyard-signals", r.UserAgent())
			_, _ = w.Write(testdata(t, "tgi.txt"))
		case "/cut":
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "vllm:num_requests_running 3\n")
		case "/packed":
			w.Header().Set("Content-Encoding", "br")
		default:
			http.Error(w, strings.Repeat("no ", 1000), http.StatusNotFound)
		}
	})
	plain, secure := httptest.NewServer(handler), httptest.NewUnstartedServer(handler)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // a handshake that must fail
	secure.StartTLS()
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	once := func(o Options, target Target) (Reading, error) {
		o = o.withDefaults()
		a := newAsker(&o, target)
		defer a.close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		return a.ask(ctx)
	}
	here := Target{Address: plain.Listener.Addr().String()}
	r, err := once(Options{}, here)
	require.NoError(t, err)
	assert.EqualValues(t, 1700000000, r.started)
	r, err = once(Options{}, Target{Address: secure.Listener.Addr().String(), TLS: secure.Client().Transport.(*http.Transport).TLSClientConfig})
	require.NoError(t, err)
	assert.EqualValues(t, 46, r.Waiting)
	r, err = once(Options{Engine: "ollama"}, here)
	require.NoError(t, err)
	assert.Equal(t, "ollama", r.Engine)
	_, port, err := net.SplitHostPort(here.Address)
	require.NoError(t, err)
	r, err = once(Options{Path: "/deep/metrics?model=a", Port: port}, Target{Address: "127.0.0.1:1", Host: "gpu.example"})
	require.NoError(t, err)
	assert.Equal(t, "tgi", r.Engine)
	for path, want := range map[string]string{
		"/none":   "status 404: start SGLang with --enable-metrics",
		"/cut":    "unexpected EOF",
		"/packed": "the answer is compressed (br), which was not asked for",
		"/%zz":    `parse "/%zz": invalid URL escape "%zz"`,
	} {
		_, err = once(Options{Engine: "sglang", Path: path}, here)
		assert.EqualError(t, err, want)
	}
	_, err = once(Options{Engine: "vllm"}, here)
	assert.EqualError(t, err, "the answer has no metrics of vllm: start vLLM without --disable-log-stats")
	_, err = once(Options{}, Target{Address: secure.Listener.Addr().String()})
	assert.EqualError(t, err, "status 400")
	_, err = once(Options{}, Target{Address: "127.0.0.1:1"})
	assert.ErrorContains(t, err, "connection refused")
}
