package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// inference is real inference work: pairs of requests with equal prompts, a second apart.
func inference(requests int) trace.Trace {
	t := trace.Trace{Name: "pairs"}
	for i := range requests {
		first := uint64(i / 2 * 10)
		t.Requests = append(t.Requests, trace.Request{
			At: time.Duration(i) * time.Second, Work: 1, PromptTokens: 1600, AnswerTokens: 20, Prefix: []uint64{first, first + 1, first + 2}, Session: i/2 + 1,
		})
	}
	return t
}

func batching(kinds ...string) (list []Endpoint) {
	for _, k := range kinds {
		list = append(list, Endpoint{Engine: engine.Options{Kind: k, Capacity: 1}})
	}
	return list
}

// spy is least_load that writes down what it hears.
type spy struct {
	balancer.Builder
	heard   []string
	engines Engines
	told    int
	tokens  map[int32]int
	prompts []balancer.Prompt
}

func newSpy() *spy { return &spy{Builder: policy.LeastLoad(), tokens: map[int32]int{}} }

type spyPicker struct {
	balancer.Picker
	of *spy
}

func (s *spy) Wants() balancer.Wants { return balancer.Wants{Prompts: true, Blocks: true} }
func (s *spy) Build(c []balancer.Candidate) balancer.Picker {
	return spyPicker{s.Builder.Build(c), s}
}
func (p spyPicker) Pick(r *balancer.Request) (int, bool) {
	p.of.prompts = append(p.of.prompts, r.Prompt)
	return p.Picker.Pick(r)
}
func (p spyPicker) Inherit(balancer.Picker)     {}
func (p spyPicker) Count(i int, inFlight int64) { p.Picker.(balancer.Counter).Count(i, inFlight) }

func (s *spy) Start(e Engines, _ func() time.Duration) { s.engines = e }
func (s *spy) Every() time.Duration                    { return 100 * time.Millisecond }
func (s *spy) Tell(int)                                { s.told++ }
func (s *spy) Sent(_ int, i int32) float64 {
	if i == 0 {
		s.heard = append(s.heard, "sent")
	}
	return 512
}
func (s *spy) Token(_ int, i int32, made int) {
	s.tokens[i] = made
	if i == 0 && made == 1 {
		s.heard = append(s.heard, "first")
	}
}
func (s *spy) Ended(_ int, i int32) {
	if i == 0 {
		s.heard = append(s.heard, "ended")
	}
}

func TestPoliciesSeePromptsAndTokens(t *testing.T) {
	s, work := newSpy(), inference(40)
	results, err := Run(Options{Endpoints: batching("a100"), Policy: s, Seed: 1}, work)
	require.NoError(t, err)
	require.Equal(t, []string{"sent", "first", "ended"}, s.heard)
	require.Greater(t, s.told, 100, "ten times a second")
	for i := range work.Requests {
		require.Equal(t, 20, s.tokens[int32(i)])
		require.Less(t, results.First[i], results.Response[i])
		require.Positive(t, results.First[i])
		require.Equal(t, 512.0, results.Expected[i])
		p := s.prompts[i]
		require.EqualValues(t, 6400, p.Bytes)
		require.Len(t, p.Blocks, 3)
		require.Equal(t, 2048, p.BlockBytes)
		require.EqualValues(t, i/2+1, p.Session)
		if i%2 == 1 {
			require.Equal(t, 3*512, results.Cached[i], "the one before it had the same prompt")
			require.Equal(t, s.prompts[i-1].Blocks, p.Blocks)
		} else {
			require.Zero(t, results.Cached[i])
		}
	}
	require.Equal(t, 3, s.engines.Cached(0, s.prompts[39].Blocks))
	require.EqualValues(t, 20*3*512, results.Engines[0].CachedTokens)
}

func TestBytesOfPromptsAreGuesses(t *testing.T) {
	s := newSpy()
	_, err := Run(Options{Endpoints: batching("a100"), Policy: s, Seed: 1, Guess: 0.2}, inference(200))
	require.NoError(t, err)
	sum, off := 0.0, 0
	for _, p := range s.prompts {
		sum += float64(p.Bytes)
		if p.Bytes != 6400 {
			off++
		}
	}
	require.InDelta(t, 6400, sum/200, 400)
	require.Greater(t, off, 190)
}

func TestPoliciesSayWhatTheyExpect(t *testing.T) {
	results, err := Run(Options{Endpoints: batching("a100"), Policy: policy.LeastCost(policy.LeastCostOptions{Seed: 1})}, inference(40))
	require.NoError(t, err)
	for i, cached := range results.Cached {
		require.InDelta(t, cached, results.Expected[i], 1, "request %d", i)
	}
}

func TestEndpointsJoin(t *testing.T) {
	endpoints := batching("a100", "a100")
	endpoints[1].Joins = 20 * time.Second
	results, err := Run(Options{Endpoints: endpoints, Policy: policy.RoundRobin()}, inference(40))
	require.NoError(t, err)
	for i, e := range results.Served {
		if i < 20 {
			require.Zero(t, e)
		}
	}
	require.Equal(t, []int{30, 10}, results.Counts())
}

func TestEnginesRestart(t *testing.T) {
	o := Options{Endpoints: batching("a100"), Policy: policy.LeastLoad(), Changes: []Change{{At: 19500 * time.Millisecond, Restart: true}, {At: 22500 * time.Millisecond, Restart: true}}}
	results, err := Run(o, inference(40))
	require.NoError(t, err)
	for i, cached := range results.Cached {
		require.Equal(t, i%2 == 1 && i != 23, cached > 0, "request %d", i)
	}
}

func TestEnginesRefuseWhatNeverFits(t *testing.T) {
	work := inference(4)
	work.Requests[2].PromptTokens = 50_000
	s := newSpy()
	results, err := Run(Options{Endpoints: batching("l4"), Policy: s}, work)
	require.NoError(t, err)
	require.Equal(t, 1, results.Refused)
	require.Equal(t, Unserved, results.Response[2])
	require.Equal(t, None, results.Served[2])
	require.Equal(t, []int{3}, results.Counts())
}

func TestLooksWhileRequestsArrive(t *testing.T) {
	var made []int64
	o := Options{Endpoints: batching("a100"), Policy: policy.LeastLoad(), LookEvery: 10 * time.Second, Look: func(_ time.Duration, engines Engines) {
		made = append(made, engines.State(0).MadeTokens)
	}}
	_, err := Run(o, inference(40))
	require.NoError(t, err)
	require.Len(t, made, 4)
	require.Zero(t, made[0])
	require.Less(t, made[1], made[3])
}

// With ReadAhead requests wait until what was sent before them is read, and nobody is forgotten.
func TestRequestsWaitForWhatIsRead(t *testing.T) {
	work := inference(40)
	for i := range work.Requests {
		work.Requests[i].At /= 100
		work.Requests[i].Prefix = nil
	}
	results, err := Run(Options{
		Endpoints: batching("a100"), Policy: policy.LeastCost(policy.LeastCostOptions{Seed: 1}),
		Queue: balancer.QueueOptions{Order: balancer.ShortestFirst, MaxRequests: 100, MaxWait: time.Hour, ReadAhead: 100 * time.Millisecond},
	}, work)
	require.NoError(t, err)
	waited := 0
	for i := range work.Requests {
		require.Positive(t, results.Response[i])
		if results.Wait[i] > 0 {
			waited++
		}
	}
	require.Greater(t, waited, 20)
	require.Zero(t, results.TimedOut+results.Full)
}
