package live

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/steelyard-proxy/steelyard/bench/load"
	"github.com/steelyard-proxy/steelyard/bench/peers"
	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestFiguresAreOfTheEnginesTime: what the clock says is multiplied by the speed, and failures count apart.
func TestFiguresAreOfTheEnginesTime(t *testing.T) {
	f := offer{speed: 10}
	var samples []load.Sample
	for i := range 20 {
		f.trace.Requests = append(f.trace.Requests, trace.Request{PromptTokens: 100, AnswerTokens: 5})
		samples = append(samples, load.Sample{Response: time.Second, FirstEvent: 200 * time.Millisecond, Usage: load.Usage{Prompt: 100, Cached: 25, Answer: 5}})
		if i < 2 {
			samples[i].Response = time.Hour // the first tenth is not counted
		}
	}
	samples[9] = load.Sample{Failure: load.BadStatus, Status: 503}
	samples[10].Usage.Answer = 4
	m := f.judge(samples)
	assert.Equal(t, map[string]int{"status 503": 1, "answers of another length": 1}, m.failures)
	assert.InDeltaSlice(t, []float64{10, 10, 2, 2, 2}, m.Spans[:], 1e-9)
	assert.InDelta(t, 0.25, m.cached, 1e-9)

	assert.True(t, math.IsNaN(spans(nil)[R]))
}

// TestFiguresAreComparedWithTheBetterPeer: HAProxy stands there with its best setting, by R; a peer that fails requests
// does not, since its figures are of those it answered only.
func TestFiguresAreComparedWithTheBetterPeer(t *testing.T) {
	b := &Board{Rows: []Row{{Contender: "nginx a", Peer: true}, {Contender: "HAProxy b", Peer: true}, {Contender: "HAProxy c", Peer: true},
		{Contender: "HAProxy d", Peer: true}, {Contender: "steelyard least_cost"}}}
	for i, s := range []Spans{{10, 1, 5, 1, 1}, {12, 1, 1, 1, 1}, {8, 1, 6, 1, 1}, {1, 1, 1, 1, 1}, {6, 1, 6, 1, 1}} {
		m := measured{Spans: s}
		if i == 3 {
			m.failures = map[string]int{"refused": 1}
		}
		b.Rows[i].Failures = map[string]int{}
		b.Rows[i].add(m)
	}
	b.compare(offer{Case: Case{Goals: []Goal{{R, 0.8}, {TTFT, 1}}}})
	assert.Equal(t, report.Number(0.75), b.Rows[4].Times[R])
	assert.Equal(t, report.Number(1.25), b.Rows[0].Times[R])
	assert.Equal(t, []Check{{"R", 0.75, 0.8, true}, {"TTFT", 1.2, 1, false}}, b.Checks)
	r := Result{Boards: []Board{*b}}
	assert.Equal(t, []string{": TTFT 1.20, at most 1"}, r.Missed())
	assert.Contains(t, r.Table(), "TTFT of least_cost × the better peer 1.20, at most 1: missed")
	require.NoError(t, r.Write(filepath.Join(t.TempDir(), "result.json")))

	alone := &Board{Rows: []Row{{Contender: "steelyard least_cost", Failures: map[string]int{}}}}
	alone.Rows[0].add(measured{Spans: Spans{1, 1, 1, 1, 1}})
	alone.compare(offer{Case: Case{Goals: []Goal{{R, 1}}}})
	assert.Empty(t, alone.Checks, "there is nobody to compare with")
}

func TestSpeedIsWhatTheMachineKeepsUpWith(t *testing.T) {
	f := offer{trace: trace.Trace{Requests: []trace.Request{{PromptTokens: 1000, AnswerTokens: 100}, {At: 2 * time.Second, PromptTokens: 1000, AnswerTokens: 100}}}}
	assert.Equal(t, mostSpeed, f.fastest(2), "1 request/s")
	assert.Equal(t, 7.7, offer{trace: f.trace.Stretch(20)}.fastest(2))
	assert.Equal(t, 1.0, offer{trace: f.trace.Stretch(2000)}.fastest(2), "never slower than it is")
}

func TestSlotsGoByCapacity(t *testing.T) {
	assert.Equal(t, []int{61, 30, 5, 1}, contender{slots: 24}.limits([]float64{6, 3, 0.5, 0.01}))
	assert.Equal(t, []int{0, 0}, contender{}.limits([]float64{1, 2}))
}

func TestOptionsThatCannotBeMeant(t *testing.T) {
	for _, c := range []struct {
		o    Options
		says string
	}{
		{Options{Only: []string{"conv E4"}}, `there is no case "conv E4": did you mean "conv E4 .7"?`},
		{Options{Slots: []int{0}}, "0 slots: give 1 or more"},
		{Options{Speed: -1}, "speed -1: give how many times"},
		{Options{Requests: -1}, "give 1 or more, or leave it out"},
	} {
		assert.ErrorContains(t, c.o.Check(), c.says)
	}
	assert.NoError(t, Options{}.Check())
	_, err := Takes(Options{Folder: t.TempDir(), Only: []string{"conv E4 .7"}})
	assert.ErrorContains(t, err, "case conv E4 .7: read trace")
}

// TestRun is a short run before nginx, and its simulation. It says nothing of how long requests took.
func TestRun(t *testing.T) {
	nginx, err := peers.Find(t.Context(), peers.Nginx)
	if errors.Is(err, peers.ErrMissing) {
		t.Skip("nginx is not installed")
	}
	require.NoError(t, err)
	o := Options{Programs: map[string]peers.Program{peers.Nginx: nginx}, Only: []string{"chat calm E4"}, Requests: 60, Speed: 40}
	o = o.withDefaults()
	o.Policies = nil
	f, err := Cases[slices.IndexFunc(Cases, func(c Case) bool { return c.Name == o.Only[0] })].offer(o)
	require.NoError(t, err)
	m, err := measure(t.Context(), o.contenders()[0], nginx, f)
	require.NoError(t, err)
	assert.Empty(t, m.failures)
	for i, x := range m.Spans {
		assert.Positive(t, x, Figure(i))
	}
	b := f.board(o)
	b.Rows[0].add(m)
	require.NoError(t, b.simulate(o, f))
	b.compare(f)
	assert.Equal(t, report.Number(1), b.Rows[0].Times[R])
	assert.Positive(t, float64(b.Rows[0].Simulated[TTFT]))
}
