package trace

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func generated(t *testing.T, o Options) Trace {
	t.Helper()
	made, err := New(o)
	require.NoError(t, err)
	require.Len(t, made.Requests, o.Requests)
	return made
}

// cv2 is the squared coefficient of variation.
func cv2(values []float64) (mean, squared float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		squared += (v - mean) * (v - mean) / float64(len(values)-1)
	}
	return mean, squared / (mean * mean)
}

func work(made Trace) []float64 {
	var values []float64
	for _, r := range made.Requests {
		values = append(values, r.Work)
	}
	return values
}

func intervals(made Trace) []float64 {
	var values []float64
	last := time.Duration(0)
	for _, r := range made.Requests {
		values = append(values, (r.At - last).Seconds())
		last = r.At
	}
	return values
}

func TestWorkHasItsMeanAndSpread(t *testing.T) {
	for _, c := range []struct {
		work      Work
		cv2       float64
		tolerance float64 // of the cv², relative
	}{
		{Exponential, 1, 0.02},
		{Heavy, 10, 0.03},
		{Constant, 0, 0},
		{LLM, 1.36, 0.05}, // mostly that of the answers, e^σ² - 1 = 1.72, beside the steadier prompts
	} {
		t.Run(string(c.work), func(t *testing.T) {
			mean, spread := cv2(work(generated(t, Options{Seed: 1, Requests: 500_000, Rate: 1, Work: c.work})))
			assert.InDelta(t, 1, mean, 0.01)
			assert.InDelta(t, c.cv2, spread, c.tolerance*c.cv2+1e-9)
		})
	}
}

func TestHeavyConstantsAreExact(t *testing.T) {
	assert.InDelta(t, 0.293, shortMean, 0.0005)
	assert.InDelta(t, 7.364, longMean, 0.0005)
	assert.InDelta(t, 1, (1-longPart)*shortMean+longPart*longMean, 1e-15)
	assert.InDelta(t, 10, 2*((1-longPart)*shortMean*shortMean+longPart*longMean*longMean)-1, 1e-14)
}

func TestArrivalsHaveTheirRate(t *testing.T) {
	poisson := generated(t, Options{Seed: 3, Requests: 200_000, Rate: 150})
	assert.InDelta(t, 150, poisson.Rate(), 1.5)
	mean, spread := cv2(intervals(poisson))
	assert.InDelta(t, 1.0/150, mean, 1e-4)
	assert.InDelta(t, 1, spread, 0.03)

	bursts := generated(t, Options{Seed: 3, Requests: 200_000, Rate: 150, Arrivals: Bursts})
	assert.InDelta(t, 150, bursts.Rate(), 4)
	_, spread = cv2(intervals(bursts))
	assert.Greater(t, spread, 1.3, "bursts must be burstier than Poisson")
}

func TestSeedDecides(t *testing.T) {
	o := Options{Seed: 5, Requests: 2000, Rate: 10, Work: Heavy, Arrivals: Bursts, Hints: Hints{Noise: 0.5}}
	assert.Equal(t, generated(t, o), generated(t, o))
	other := o
	other.Seed++
	assert.NotEqual(t, generated(t, o).Requests, generated(t, other).Requests)
}

// TestStreamsAreApart: what one option changes must not change what another decides.
func TestStreamsAreApart(t *testing.T) {
	for _, arrivals := range []Arrivals{Poisson, Bursts} {
		base := Options{Seed: 5, Requests: 2000, Rate: 10, Arrivals: arrivals}
		first := generated(t, base)
		for _, w := range allWork {
			o := base
			o.Work = w
			assert.Equal(t, intervals(first), intervals(generated(t, o)), "arrivals with %s work", w)
			for _, h := range []Hints{{Noise: 0.7}, {None: true}, {Random: true}} {
				hinted := o
				hinted.Hints = h
				assert.Equal(t, work(generated(t, o)), work(generated(t, hinted)), "%s work with hints %+v", w, h)
			}
		}
	}
}

func TestHints(t *testing.T) {
	o := Options{Seed: 9, Requests: 100_000, Rate: 10, Work: Heavy}
	for _, r := range generated(t, o).Requests {
		require.Equal(t, int(max(math.Round(r.Work*200), 1)), r.MaxTokens)
	}
	o.Hints = Hints{None: true}
	for _, r := range generated(t, o).Requests {
		require.Zero(t, r.MaxTokens)
	}
	o.Hints = Hints{Noise: 0.7, Tokens: 1e6}
	_, spread := offBy(generated(t, o), 1e6)
	assert.InDelta(t, 0.7, spread, 0.01)

	o.Hints = Hints{Random: true, Tokens: 1e6}
	random := generated(t, o)
	assert.InDelta(t, 0, correlation(random), 0.01, "random hints must say nothing")
	mean := 0.0
	for _, r := range random.Requests {
		mean += float64(r.MaxTokens) / 1e6 / float64(len(random.Requests))
	}
	assert.InDelta(t, 1, mean, 0.05, "random hints must look like real ones")
}

// offBy is the mean and the standard deviation of the logarithm of hint over truth.
func offBy(made Trace, tokens float64) (mean, deviation float64) {
	n := float64(len(made.Requests))
	squares := 0.0
	for _, r := range made.Requests {
		l := math.Log(float64(r.MaxTokens) / tokens / r.Work)
		mean += l / n
		squares += l * l / n
	}
	return mean, math.Sqrt(squares - mean*mean)
}

func correlation(made Trace) float64 {
	n := float64(len(made.Requests))
	var x, y, xx, yy, xy float64
	for _, r := range made.Requests {
		a, b := r.Work, float64(r.MaxTokens)
		x, y, xx, yy, xy = x+a/n, y+b/n, xx+a*a/n, yy+b*b/n, xy+a*b/n
	}
	return (xy - x*y) / math.Sqrt((xx-x*x)*(yy-y*y))
}

func TestChatsHavePrompts(t *testing.T) {
	prompts := 0.0
	made := generated(t, Options{Seed: 2, Requests: 50_000, Rate: 1, Work: LLM})
	for _, r := range made.Requests {
		require.True(t, r.Stream)
		require.Positive(t, r.PromptBytes)
		prompts += float64(r.PromptBytes) / float64(len(made.Requests))
	}
	assert.InEpsilon(t, bytesPerToken*promptMedian*math.Exp(promptSigma*promptSigma/2), prompts, 0.02)
}

func TestNewRefuses(t *testing.T) {
	good := Options{Requests: 1, Rate: 1}
	for _, c := range []struct {
		spoil func(o *Options)
		says  string
	}{
		{func(o *Options) { o.Requests = 0 }, "requests is 0: give the length"},
		{func(o *Options) { o.Rate = 0 }, ": give the arrivals per second, > 0"},
		{func(o *Options) { o.Rate = math.NaN() }, ": give the arrivals per second, > 0"},
		{func(o *Options) { o.Rate = math.Inf(1) }, ": give the arrivals per second, > 0"},
		{func(o *Options) { o.Arrivals = "often" }, `no arrivals "often": known here: poisson, bursts`},
		{func(o *Options) { o.Work = "hard" }, `no work "hard": known here: exponential, heavy, constant, llm`},
		{func(o *Options) { o.Hints.Noise = -1 }, "noise of the hints"},
		{func(o *Options) { o.Hints.Tokens = -1 }, "tokens of the hints"},
		{func(o *Options) { o.Hints.None, o.Hints.Random = true, true }, "choose one"},
	} {
		o := good
		c.spoil(&o)
		_, err := New(o)
		assert.ErrorContains(t, err, c.says)
	}
}

func TestAnEmptyTraceHasNoRate(t *testing.T) {
	assert.Zero(t, Trace{}.Rate())
	assert.Zero(t, Trace{}.MeanWork())
	assert.Zero(t, Trace{Requests: make([]Request, 2)}.Rate())
}
