package proxy_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Through the whole path, after any number of requests each endpoint has had its
// share give or take one.
func TestSharesAreExactAtEveryPrefix(t *testing.T) {
	s := defaults()
	s.capacities = []float64{100, 200, 150}
	s.quiet = true
	g := serve(t, s, answering(t, plain("a")), answering(t, plain("b")), answering(t, plain("c")))
	client := dial(t, g)
	had := map[string]float64{}
	for n := 1.0; n <= 4500; n++ {
		_, body := client.ask(get)
		had[body]++
		for i, name := range []string{"a", "b", "c"} {
			require.LessOrEqual(t, math.Abs(had[name]-n*s.capacities[i]/450), 1.0, "%s after %g requests", name, n)
		}
	}
	require.Equal(t, map[string]float64{"a": 1000, "b": 2000, "c": 1500}, had)
}
