package retry_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/retry"
)

var body = retry.Body{Hash: 7, Size: 100}

func TestPoison(t *testing.T) {
	const second = time.Second
	type step struct {
		at, sent time.Duration
		endpoint string // that broke; "": one has answered
	}
	for name, c := range map[string]struct {
		steps []step
		want  bool
	}{
		"one after the other":     {[]step{{second, 0, "a"}, {3 * second, 2 * second, "b"}}, true},
		"both at once":            {[]step{{second, 0, "a"}, {second, 0, "b"}}, false},
		"the same one twice":      {[]step{{second, 0, "a"}, {3 * second, 2 * second, "a"}}, false},
		"a minute later":          {[]step{{second, 0, "a"}, {62 * second, 61 * second, "b"}}, false},
		"answered between":        {[]step{{second, 0, "a"}, {2 * second, 0, ""}, {4 * second, 3 * second, "b"}}, false},
		"answered before":         {[]step{{second, 0, ""}, {2 * second, 0, "a"}, {4 * second, 3 * second, "b"}}, true},
		"answered after":          {[]step{{second, 0, "a"}, {3 * second, 2 * second, "b"}, {3 * second, 0, ""}}, false},
		"innocent, then two more": {[]step{{second, 0, "a"}, {2 * second, 0, ""}, {4 * second, 3 * second, "b"}, {6 * second, 5 * second, "c"}}, false},
		"a third in between":      {[]step{{second, 0, "a"}, {12 * second, 0, "b"}, {24 * second, 13 * second, "c"}}, true},
		"three at about a time":   {[]step{{second, 0, "a"}, {2 * second, 0, "b"}, {4 * second, 3 * second, "c"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, told := new(retry.Suspects), 0
			require.False(t, s.Watches(body.Size))
			last := time.Duration(0)
			for _, step := range c.steps {
				if last = step.at; step.endpoint == "" {
					s.Answered(step.at, body)
				} else if p := s.Broke(step.at, step.sent, body, step.endpoint); p != nil {
					told++
					require.Equal(t, body, p.Body)
					require.Equal(t, "a", p.Endpoints[0])
				}
			}
			require.Equal(t, c.want, s.Poisonous(last, body))
			require.True(t, s.Watches(body.Size))
			require.False(t, s.Watches(body.Size+1))
			require.False(t, s.Poisonous(last, retry.Body{Hash: 8, Size: 100}))
			if c.want {
				require.Equal(t, 1, told)
			}
			require.False(t, s.Poisonous(last+time.Minute, body), "for a while")
			require.False(t, s.Watches(body.Size), "all is forgotten")
		})
	}
}

// However many bodies are suspected, memory is bounded, and the latest stay.
func TestSuspectsAreFew(t *testing.T) {
	s := new(retry.Suspects)
	for i := range 1000 {
		s.Broke(0, 0, retry.Body{Hash: uint64(i), Size: i + 1}, "a")
	}
	watched := 0
	for i := range 1000 {
		if s.Watches(i + 1) {
			watched++
		}
	}
	require.Equal(t, 256, watched)
	require.True(t, s.Watches(1000))
	require.NotNil(t, s.Broke(1, 1, retry.Body{Hash: 999, Size: 1000}, "b"))
	var nobody *retry.Suspects
	require.False(t, nobody.Watches(1))
	require.Nil(t, nobody.Broke(0, 0, body, "a"))
	require.False(t, nobody.Poisonous(0, body))
	nobody.Answered(0, body)
}

func TestSuspectsAreShared(t *testing.T) {
	s := new(retry.Suspects)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 200 {
				b := retry.Body{Hash: uint64(j % 10), Size: 1 + j%10}
				s.Broke(time.Duration(j), time.Duration(j), b, string(rune('a'+i)))
				s.Watches(b.Size)
				s.Poisonous(time.Duration(j), b)
				s.Answered(time.Duration(j), b)
			}
		})
	}
	all.Wait()
}

// TestNoPoisonInAnOutage: while three servers break off, whatever they are sent, no body is to blame; afterwards it may be.
func TestNoPoisonInAnOutage(t *testing.T) {
	const second = time.Second
	s := new(retry.Suspects)
	require.Nil(t, s.Broke(second, 0, body, "a"))
	require.NotNil(t, s.Broke(2*second, second, body, "b"))
	require.True(t, s.Poisonous(3*second, body))
	require.Nil(t, s.Broke(4*second, 0, retry.Body{Hash: 9, Size: 5}, "c"))
	require.False(t, s.Poisonous(5*second, body), "it was the outage")
	require.Nil(t, s.Broke(6*second, 5*second, retry.Body{Hash: 9, Size: 5}, "a"))
	require.False(t, s.Poisonous(13*second, retry.Body{Hash: 9, Size: 5}))
	require.True(t, s.Poisonous(17*second, body), "it is over, and the body is still what two broke off over")
}
