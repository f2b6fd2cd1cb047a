package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/configs"
)

// patient is a server that takes some time for each request, or fails each at once.
type patient struct {
	*httptest.Server
	fault atomic.Value // func(http.ResponseWriter); what it does to each request instead
	asked atomic.Int64 // requests, without the probes
}

func newPatient(t *testing.T, takes time.Duration) *patient {
	t.Helper()
	p := &patient{}
	p.heal()
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			return
		}
		p.asked.Add(1)
		if fault := p.fault.Load().(func(http.ResponseWriter)); fault != nil {
			fault(w)
			return
		}
		<-time.After(takes)
	}))
	p.Config.ErrorLog = nil
	t.Cleanup(p.Close)
	return p
}

func (p *patient) heal()                              { p.fault.Store((func(http.ResponseWriter))(nil)) }
func (p *patient) fails(by func(http.ResponseWriter)) { p.fault.Store(by) }

func answers500(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }

// drops closes the connection without an answer.
func drops(http.ResponseWriter) { panic(http.ErrAbortHandler) }

// outlierConfig is one upstream over these servers, named a, b, c ...
func outlierConfig(t *testing.T, settings string, servers ...*patient) *configs.Config {
	t.Helper()
	text := `
listen: [{address: "127.0.0.1:0"}]
admin: {address: "127.0.0.1:0"}
upstreams:
  - name: chat
    health: {path: /health}
` + settings + "    endpoints:\n"
	for i, s := range servers {
		text += fmt.Sprintf("      - {name: %c, url: %q}\n", 'a'+i, s.URL)
	}
	cfg, err := configs.Parse("test.yaml", []byte(text), nil)
	require.NoError(t, err)
	return cfg
}

// asks sends so many requests, 8 at once, and counts the answers by their status.
func asks(t *testing.T, url string, n int) map[int]int {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	var left atomic.Int64
	left.Store(int64(n))
	var mu sync.Mutex
	statuses := map[int]int{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				answer, err := client.Post(url, "text/plain", strings.NewReader("x"))
				if !assert.NoError(t, err) {
					return
				}
				_ = answer.Body.Close()
				mu.Lock()
				statuses[answer.StatusCode]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return statuses
}

// A server that fails at once attracts nobody, whatever the policy: it gets three requests, and
// what was under way when it failed them, of thousands.
func TestFastFailureAttractsNobody(t *testing.T) {
	for fault, fails := range map[string]func(http.ResponseWriter){"500": answers500, "drop": drops} {
		for _, policy := range configs.Policies {
			t.Run(fault+" "+policy, func(t *testing.T) {
				a, b, c := newPatient(t, time.Millisecond), newPatient(t, time.Millisecond), newPatient(t, time.Millisecond)
				a.fails(fails)
				r := run(t, outlierConfig(t, "    policy: "+policy+"\n    outlier: {eject_time: 1h}\n", a, b, c))
				const n = 2000
				statuses := asks(t, r.url, n)
				assert.LessOrEqual(t, a.asked.Load(), int64(n/100), "requests at the server that fails")
				assert.GreaterOrEqual(t, statuses[200], n-n/100, statuses)
				assert.GreaterOrEqual(t, b.asked.Load()+c.asked.Load(), int64(n-n/100))
				state := r.state(t, "a")
				assert.False(t, state.Eligible)
				require.Len(t, state.Reasons, 1)
				assert.Contains(t, state.Reasons[0].Text, "failures in a row; the last: a")
				shown := body(t, r.admin+"/api/v1/upstreams")
				assert.Contains(t, shown, `"name": "ejected"`)
				assert.Contains(t, shown, `"until": "`)
				assert.Equal(t, "1", line(t, r, `steelyard_ejections_total{detector="consecutive",endpoint="a",mode="enforced",upstream="chat"}`))
				eventually(t, "it is told", func() bool { return line(t, r, `steelyard_events_total{kind="ejected"}`) == "1" })
			})
		}
	}
}

// Nobody is told that an endpoint gets no requests when it gets them all the same, as the last one does.
func TestLastServerIsNotSaidToBeLeftAlone(t *testing.T) {
	a := newPatient(t, 0)
	a.fails(answers500)
	r := run(t, outlierConfig(t, "", a))
	asks(t, r.url, 10)
	eventually(t, "a to be ejected", func() bool { return line(t, r, `steelyard_events_total{kind="ejected"}`) != "0" })
	assert.True(t, r.state(t, "a").Eligible)
	told := body(t, r.admin+"/api/v1/events")
	assert.Contains(t, told, `"action": "none: it gets requests all the same`)
	assert.NotContains(t, told, `"action": "no requests for`)
}

// A server that is well again comes back by its real traffic, though nobody asks for it.
func TestEjectedServerComesBack(t *testing.T) {
	a, b := newPatient(t, 0), newPatient(t, 0)
	a.fails(answers500)
	r := run(t, outlierConfig(t, "    outlier: {eject_time: 100ms}\n", a, b))
	asks(t, r.url, 50)
	eventually(t, "a to be ejected", func() bool { return line(t, r, `steelyard_events_total{kind="ejected"}`) != "0" })
	a.heal()
	before := a.asked.Load()
	eventually(t, "a to serve again", func() bool { asks(t, r.url, 10); return a.asked.Load() > before+10 })
	eventually(t, "it is told", func() bool { return line(t, r, `steelyard_events_total{kind="restored"}`) != "0" })
}

// In shadow nobody is ejected, and it is said who would have been.
func TestOutlierShadow(t *testing.T) {
	a, b := newPatient(t, 0), newPatient(t, 0)
	a.fails(answers500)
	r := run(t, outlierConfig(t, "    outlier: {enforce: false, eject_time: 1h}\n", a, b))
	statuses := asks(t, r.url, 200)
	assert.Greater(t, statuses[500], 50)
	eventually(t, "a to be found", func() bool {
		return line(t, r, `steelyard_ejections_total{detector="consecutive",endpoint="a",mode="shadow",upstream="chat"}`) == "1"
	})
	assert.True(t, r.state(t, "a").Eligible)
	assert.Equal(t, "0", line(t, r, `steelyard_events_total{kind="ejected"}`))
	eventually(t, "an event", func() bool { return line(t, r, `steelyard_events_total{kind="would_eject"}`) != "0" })
}

// A reload keeps an ejection of a server that stays; another URL is another server.
func TestReloadKeepsEjections(t *testing.T) {
	a, b, c := newPatient(t, 0), newPatient(t, 0), newPatient(t, 0)
	a.fails(answers500)
	r := run(t, outlierConfig(t, "    outlier: {eject_time: 1h}\n", a, b))
	asks(t, r.url, 50)
	eventually(t, "a to be ejected", func() bool { return !r.state(t, "a").Eligible })
	require.NoError(t, r.Reload(outlierConfig(t, "    outlier: {eject_time: 1h, window: 2m}\n    connections: {max_idle: 7}\n", a, b, c)))
	asked := a.asked.Load()
	asks(t, r.url, 100)
	require.Equal(t, asked, a.asked.Load())
	require.False(t, r.state(t, "a").Eligible)
	require.NoError(t, r.Reload(outlierConfig(t, "    outlier: {eject_time: 1h}\n", c, b)))
	require.True(t, r.state(t, "a").Eligible)
}

// A server that becomes slow gets no more requests, though it answers each of them.
func TestSlowServerIsEjected(t *testing.T) {
	a, b, c := newPatient(t, time.Millisecond), newPatient(t, time.Millisecond), newPatient(t, time.Millisecond)
	a.fails(func(http.ResponseWriter) { <-time.After(100 * time.Millisecond) })
	r := run(t, outlierConfig(t, "    outlier: {eject_time: 1h}\n", a, b, c))
	eventually(t, "a to be ejected", func() bool {
		assert.Equal(t, map[int]int{200: 50}, asks(t, r.url, 50))
		return !r.state(t, "a").Eligible
	})
	assert.Equal(t, "1", line(t, r, `steelyard_ejections_total{detector="slow",endpoint="a",mode="enforced",upstream="chat"}`))
	assert.Contains(t, r.state(t, "a").Reasons[0].Text, "times as long as those of its peers")
	assert.True(t, r.state(t, "b").Eligible)
	assert.True(t, r.state(t, "c").Eligible)
}

// A server that takes requests and answers none is ejected, though all that is seen of it are clients
// that give up.
func TestHungServerIsEjected(t *testing.T) {
	a, b, c := newPatient(t, 0), newPatient(t, 0), newPatient(t, 0)
	hung := make(chan struct{})
	t.Cleanup(func() { close(hung) }) // before the server closes
	r := run(t, outlierConfig(t, "    policy: round_robin\n    outlier: {stall: 1s, slow_ratio: 0, eject_time: 1h}\n", a, b, c))
	asks(t, r.url, 60)
	a.fails(func(http.ResponseWriter) { <-hung })
	client := &http.Client{Timeout: 300 * time.Millisecond, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	eventually(t, "a to be ejected", func() bool {
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				if answer, err := client.Post(r.url, "text/plain", strings.NewReader("x")); err == nil {
					_ = answer.Body.Close()
				}
			})
		}
		all.Wait()
		return !r.state(t, "a").Eligible
	})
	assert.Equal(t, "1", line(t, r, `steelyard_ejections_total{detector="stall",endpoint="a",mode="enforced",upstream="chat"}`))
	assert.True(t, r.state(t, "b").Eligible)
}

// Where all fail alike nobody is lost: requests go on to most of them, and all are back once they are
// well.
func TestAllFailAlike(t *testing.T) {
	a, b, c := newPatient(t, 0), newPatient(t, 0), newPatient(t, 0)
	servers := []*patient{a, b, c}
	r := run(t, outlierConfig(t, "    outlier: {eject_time: 500ms}\n", servers...))
	eligible := func() (n int) {
		for _, name := range []string{"a", "b", "c"} {
			if r.state(t, name).Eligible {
				n++
			}
		}
		return n
	}
	for _, s := range servers {
		s.fails(answers500)
	}
	eventually(t, "all to be found", func() bool {
		statuses := asks(t, r.url, 20)
		assert.Equal(t, 20, statuses[500], statuses)
		assert.GreaterOrEqual(t, eligible(), 2)
		found := 0
		for _, name := range []string{"a", "b", "c"} {
			if line(t, r, `steelyard_ejections_total{detector="consecutive",endpoint="`+name+`",mode="enforced",upstream="chat"}`) != "" {
				found++
			}
		}
		return found == 3
	})
	for _, s := range servers {
		s.heal()
	}
	assert.Equal(t, 50, asks(t, r.url, 50)[200])
	eventually(t, "all to be back", func() bool {
		asks(t, r.url, 20)
		return eligible() == 3 && len(r.state(t, "a").Reasons)+len(r.state(t, "b").Reasons)+len(r.state(t, "c").Reasons) == 0
	})
}
