package backend

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/engine"
)

// One unit holds a slot for 8 / 100 s = 80 ms.
var eightSlots = Options{Engine: engine.Options{Capacity: 100, Slots: 8}, UnitTokens: 32}

func TestServiceTimeFollowsWork(t *testing.T) {
	withFirstToken := eightSlots
	withFirstToken.Engine.FirstToken = 20 * time.Millisecond
	for name, c := range map[string]struct {
		options Options
		limit   string
		work    string
		want    time.Duration
	}{
		"one unit when nothing is said": {eightSlots, ``, "", 80 * time.Millisecond},
		"max_tokens":                    {eightSlots, `,"max_tokens":64`, "", 160 * time.Millisecond},
		"max_completion_tokens":         {eightSlots, `,"max_completion_tokens":16`, "", 40 * time.Millisecond},
		"header wins over max_tokens":   {eightSlots, `,"max_tokens":64`, "0.5", 40 * time.Millisecond},
		"prompt time is part of a unit": {withFirstToken, ``, "", 80 * time.Millisecond},
		"prompt time is paid once":      {withFirstToken, `,"max_tokens":64`, "", 140 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, c.options, func(t *testing.T, _ *Server, client *http.Client) {
				r, err := http.NewRequest("POST", chatURL, strings.NewReader(`{"messages":[]`+c.limit+`}`))
				require.NoError(t, err)
				if c.work != "" {
					r.Header.Set(WorkHeader, c.work)
				}
				began := time.Now()
				response, err := client.Do(r)
				require.NoError(t, err)
				require.NoError(t, response.Body.Close())
				require.Equal(t, c.want, time.Since(began))
			})
		})
	}
}

func TestStreamKeepsItsPace(t *testing.T) {
	o := Options{Engine: engine.Options{Capacity: 10, Slots: 2, FirstToken: 40 * time.Millisecond}, UnitTokens: 4} // 40 ms a token
	inBubble(t, o, func(t *testing.T, s *Server, client *http.Client) {
		_, unit := s.options.Engine.Alone(0)
		require.Equal(t, 4*40*ms, unit)
		began := time.Now()
		response, err := ask(t.Context(), client, chatURL, `{"messages":[],"stream":true}`)
		require.NoError(t, err)
		defer response.Body.Close()
		require.Zero(t, time.Since(began), "the header goes out before the first token")

		var tokensAt []time.Duration
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() {
			if strings.Contains(lines.Text(), `"content"`) {
				tokensAt = append(tokensAt, time.Since(began))
			}
		}
		require.NoError(t, lines.Err())
		require.Equal(t, []time.Duration{80 * ms, 120 * ms, 160 * ms, 200 * ms}, tokensAt)
	})
}

// One stream alone makes 100 tokens/s, two 80 each. The second request is the
// first's length and comes 300 ms after it.
func TestStreamsOfABatchSlowEachOther(t *testing.T) {
	o := Options{Engine: engine.Options{Capacity: 4, Slots: 2, Slowing: 0.25}, UnitTokens: 40}
	inBubble(t, o, func(t *testing.T, s *Server, client *http.Client) {
		_, unit := s.options.Engine.Alone(0)
		require.Equal(t, 40*10*ms, unit)
		began := time.Now()
		var both sync.WaitGroup
		for _, want := range []time.Duration{425 * ms, 725 * ms} {
			both.Go(func() {
				_, body := askWhole(t, client, chatURL, `{"messages":[],"stream":true}`)
				require.Equal(t, want, time.Since(began))
				require.Equal(t, 40, strings.Count(body, `"content"`))
			})
			time.Sleep(300 * ms)
		}
		both.Wait()
	})
}

// Saturated, the server completes its capacity, first come first served.
func TestSaturationCompletesTheCapacity(t *testing.T) {
	inBubble(t, eightSlots, func(t *testing.T, s *Server, client *http.Client) {
		const requests = 400
		var mu sync.Mutex
		var order []int
		var all sync.WaitGroup
		began := time.Now()
		for i := range requests {
			all.Go(func() {
				response, err := ask(context.Background(), client, chatURL, `{"messages":[]}`)
				if err != nil {
					t.Error(err)
					return
				}
				response.Body.Close()
				mu.Lock()
				defer mu.Unlock()
				order = append(order, i)
			})
			synctest.Wait() // so that they arrive in this order
		}
		require.Equal(t, int64(requests), s.Counts().InFlight)
		require.Equal(t, int64(requests-8), s.Counts().Waiting)
		all.Wait()
		require.Equal(t, 4*time.Second, time.Since(began))
		for place, i := range order {
			require.Equal(t, place/8, i/8, "request %d was answered as number %d", i, place)
		}
	})
}

func TestExponentialWorkHasTheMeanOfOneUnit(t *testing.T) {
	mean := func(seed uint64) float64 {
		w := newWorkload(Options{Engine: engine.Options{Capacity: 1, Slots: 1}, UnitTokens: 32, Work: Exponential, Seed: seed})
		sum := 0.0
		const n = 100_000
		for range n {
			sum += w.job(0, 0, prompt{}).asked.Work
		}
		return sum / n
	}
	require.InDelta(t, 1, mean(7), 0.02)
	require.Equal(t, mean(7), mean(7), "a seed repeats itself")
	require.NotEqual(t, mean(7), mean(8))
}

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	for want, o := range map[string]Options{
		"capacity -1: give the units of work":  {Engine: engine.Options{Capacity: -1}},
		"slots -2: must be at least 1":         {Engine: engine.Options{Slots: -2}},
		"unit tokens -2: must be at least 1":   {UnitTokens: -2},
		"work 9: must be Fixed or Exponential": {Work: 9},
	} {
		_, err := New(o)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, `simulated server "backend"`)
	}
	s, err := New(Options{})
	require.NoError(t, err)
	defer s.listener.Close()
	defer s.clock.alarm.Close()
	_, err = New(Options{Name: "second", Address: s.Addr()})
	require.ErrorContains(t, err, fmt.Sprintf(`simulated server "second": listen tcp %s`, s.Addr()))
}
