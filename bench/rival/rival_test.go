package rival

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/sim"
)

// stand is one gateway before engines that say what a test wants.
type stand struct {
	t      *testing.T
	rule   sim.Follower
	picker balancer.Picker
	states []engine.State
	cached [][]uint64 // by engine
	next   int32
}

func (s *stand) State(e int) engine.State { return s.states[e] }

func (s *stand) Cached(e int, chain []uint64) (n int) {
	for n < len(chain) && n < len(s.cached[e]) && chain[n] == s.cached[e][n] {
		n++
	}
	return n
}

func newStand(t *testing.T, b balancer.Builder, capacities ...float64) *stand {
	s := &stand{t: t, rule: b.(sim.Follower), states: make([]engine.State, len(capacities)), cached: make([][]uint64, len(capacities))}
	var candidates []balancer.Candidate
	for i, c := range capacities {
		candidates = append(candidates, balancer.Candidate{Capacity: c})
		s.states[i].TotalTokens = 100 * engine.BlockTokens
	}
	s.picker = b.Build(candidates)
	s.picker.Inherit(nil)
	s.rule.Start(s, func() time.Duration { return 0 })
	return s
}

// prompt is one of so many tokens, with its blocks.
func prompt(tokens int, blocks ...uint64) balancer.Prompt {
	return balancer.Prompt{Bytes: int64(tokens) * bytesPerToken, Blocks: blocks, BlockBytes: engine.BlockTokens * bytesPerToken}
}

// send gives a request away, and returns its number and its engine.
func (s *stand) send(p balancer.Prompt) (i int32, e int) {
	e, ok := s.picker.Pick(&balancer.Request{Prompt: p})
	require.True(s.t, ok)
	s.next++
	s.rule.Sent(0, s.next)
	return s.next, e
}

// tell lets the gateway look at all engines.
func (s *stand) tell() {
	for e := range s.states {
		s.rule.Tell(e)
	}
}

func TestRulesTakeWhatIsOpen(t *testing.T) {
	for _, make := range []func(Options) balancer.Builder{
		LeastConnections, UncachedTokens, BoundedHash, SessionHash, PrefixHash, CacheAware, LLMD, LLMDPrecise, Dynamo, DynamoByCapacity,
		Preble, AIBrix, ProductionStack,
	} {
		b := make(Options{Seed: 1})
		t.Run(b.Name(), func(t *testing.T) {
			s := newStand(t, b, 2, 1, 1)
			s.picker.Open(0, false)
			s.picker.Open(2, false)
			for range 20 {
				_, e := s.send(prompt(2000, 1, 2, 3))
				require.Equal(t, 1, e)
			}
			s.picker.Open(1, false)
			_, ok := s.picker.Pick(&balancer.Request{})
			require.False(t, ok)
		})
	}
}

func TestSumsReturnToZero(t *testing.T) {
	b := Dynamo(Options{Seed: 1})
	s := newStand(t, b, 1, 1)
	var sent []int32
	for k := range 50 {
		i, _ := s.send(prompt(100+k*37, uint64(k%5)))
		sent = append(sent, i)
	}
	for k, i := range sent {
		if k%2 == 0 {
			s.rule.Token(0, i, 1)
			s.rule.Token(0, i, 2)
		}
		s.rule.Ended(0, i)
	}
	for _, server := range s.picker.(*gateway).servers {
		require.Zero(t, server.inFlight)
		require.InDelta(t, 0, server.unread, 1e-6)
		require.InDelta(t, 0, server.uncached, 1e-6)
		require.InDelta(t, 0, server.held, 1e-6)
	}
}

func TestCacheAwareStaysUntilTheHolderIsFarBusier(t *testing.T) {
	s := newStand(t, CacheAware(Options{Seed: 1}), 1, 1)
	_, holder := s.send(prompt(1024, 1, 2))
	for k := range 2 * smgAbsolute {
		// With one more there it has n, the mean is n/2: it is given up when n/2 > 32.
		_, e := s.send(prompt(1024, 1, 2))
		require.Equal(t, holder, e, "request %d", k)
	}
	_, e := s.send(prompt(1024, 1, 2))
	require.NotEqual(t, holder, e)
	_, e = s.send(prompt(2048, 1, 5, 6, 7)) // a quarter is known, which is too little
	require.NotEqual(t, holder, e)
}

func TestLLMDWeighsQueueMemoryAndPrefix(t *testing.T) {
	s := newStand(t, LLMD(Options{Seed: 1}), 1, 1)
	_, holder := s.send(prompt(1024, 1, 2))
	s.states[holder].Waiting = 3
	s.tell()
	_, e := s.send(prompt(1024, 1, 2))
	require.Equal(t, holder, e, "all of the prompt counts 3, the queue 2")
	s.states[holder].UsedTokens = s.states[holder].TotalTokens
	s.tell()
	_, e = s.send(prompt(1024, 1, 2))
	require.NotEqual(t, holder, e, "a full memory counts 2 more")
	require.Equal(t, 50*time.Millisecond, s.rule.Every())
	require.Contains(t, LLMD(Options{Every: time.Second}).Name(), "1s")
}

func TestLLMDPreciseAsksTheEngine(t *testing.T) {
	s := newStand(t, LLMDPrecise(Options{Seed: 1}), 1, 1)
	s.cached[1] = []uint64{7, 8}
	for range 5 {
		_, e := s.send(prompt(1024, 7, 8))
		require.Equal(t, 1, e)
	}
}

func TestDynamoCountsWhatIsReadAndHeld(t *testing.T) {
	s := newStand(t, Dynamo(Options{Seed: 1}), 1, 1)
	first, busy := s.send(prompt(4096))
	_, e := s.send(prompt(100))
	require.NotEqual(t, busy, e)
	// The long one is read, and still held: 4096 against 100 + 100 + 100.
	s.rule.Token(0, first, 1)
	_, e = s.send(prompt(100))
	require.NotEqual(t, busy, e)
	s.rule.Ended(0, first)
	_, e = s.send(prompt(100))
	require.Equal(t, busy, e)
}

func TestBoundedHashIsBounded(t *testing.T) {
	for _, make := range []func(Options) balancer.Builder{BoundedHash, PrefixHash} {
		b := make(Options{Seed: 3})
		weighted := b.Name() != PrefixHash(Options{}).Name()
		s := newStand(t, b, 3, 1)
		counts := [2]int{}
		for n := 1; n <= 200; n++ {
			_, e := s.send(prompt(1024, 1, 2)) // all with one key
			counts[e]++
			part := []float64{.5, .5}
			if weighted {
				part = []float64{.75, .25}
			}
			require.LessOrEqual(t, float64(counts[e]), math.Ceil(bound*float64(n)*part[e]))
		}
	}
}

func TestSessionsStay(t *testing.T) {
	s := newStand(t, SessionHash(Options{Seed: 1}), 1, 1, 1, 1)
	for session := uint64(1); session < 50; session++ {
		p := prompt(100)
		p.Session = session
		i, first := s.send(p)
		s.rule.Ended(0, i)
		i, again := s.send(p)
		s.rule.Ended(0, i)
		require.Equal(t, first, again)
	}
}

func TestPrebleExploresWhereLittleIsKnown(t *testing.T) {
	s := newStand(t, Preble(Options{Seed: 1}), 1, 1)
	_, holder := s.send(prompt(2048, 1, 2, 3, 4))
	_, e := s.send(prompt(2048, 1, 2, 3, 9))
	require.Equal(t, holder, e, "three quarters are known")
	_, e = s.send(prompt(2048, 1, 5, 6, 7))
	require.NotEqual(t, holder, e, "a quarter is, and the other has nothing to do")
}

func TestAIBrixGivesUpPrefixesWhereLoadsDiffer(t *testing.T) {
	s := newStand(t, AIBrix(Options{Seed: 1}), 1, 1, 1)
	i, holder := s.send(prompt(1024, 1, 2))
	s.rule.Ended(0, i)
	_, e := s.send(prompt(1024, 1, 2))
	require.Equal(t, holder, e)
	_, e = s.send(prompt(1024, 1, 2))
	require.NotEqual(t, holder, e, "it has more than the mean and one deviation")
}

func TestGatewaysKeepWhatTheyKnow(t *testing.T) {
	b := LeastConnections(Options{Seed: 1})
	s := newStand(t, b, 1, 1)
	_, busy := s.send(prompt(100))
	again := b.Build([]balancer.Candidate{{Capacity: 5}, {Capacity: 1}})
	again.Inherit(s.picker)
	s.picker = again
	_, e := s.send(prompt(100))
	require.NotEqual(t, busy, e)
	require.Equal(t, 5.0, again.(*gateway).servers[0].capacity)
	require.Len(t, b.(*builder).gateways, 1)
}
