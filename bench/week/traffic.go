// Who asks for what, and when.

package week

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// asked is one request and who sent it.
type asked struct {
	trace.Request
	user  int
	model string
	retry int
	tries float64 // its work as it is predicted
}

const (
	// predictedSigma is how far predictions are off: σ of the logarithm.
	predictedSigma = 0.4
	bytesPerToken  = 4
	promptTokens   = 600 // the median
)

// rate is how many requests come per second at a time of the week.
func rate(at time.Duration) float64 {
	hours := math.Mod(at.Hours(), 24)
	return quietRate + (busyRate-quietRate)*(1-math.Cos(2*math.Pi*(hours-4)/24))/2
}

// traffic is that of one day, by arrival; times are from the day's begin.
func traffic(begin time.Duration, seed uint64) (list []asked) {
	draws := rand.New(rand.NewPCG(seed, uint64(begin/day)))
	who := rand.NewZipf(draws, 1.1, 3, users-1)
	for at := 0.0; ; {
		at += draws.ExpFloat64() / busyRate
		if at >= day.Seconds() {
			break
		}
		now := time.Duration(at * float64(time.Second))
		if draws.Float64() < rate(begin+now)/busyRate {
			list = append(list, ask(draws, now, int(who.Uint64())))
		}
	}
	list = append(list, abuse(draws, begin)...)
	list = append(list, again(draws, begin, list)...)
	slices.SortStableFunc(list, func(a, b asked) int { return int(a.At - b.At) })
	return list
}

func ask(draws *rand.Rand, at time.Duration, user int) asked {
	work := draws.ExpFloat64()
	tokens := int(promptTokens * math.Exp(0.7*draws.NormFloat64()))
	a := asked{user: user, model: "chat", tries: work * math.Exp(predictedSigma*draws.NormFloat64())}
	if draws.Float64() < 0.2 {
		a.model = "code"
	}
	a.Request = trace.Request{At: at, Work: work, MaxTokens: 1 + int(200*a.tries), PromptBytes: bytesPerToken * tokens, Stream: draws.Float64() < 0.5}
	return a
}

// abuse is what one user asks for beside all others.
func abuse(draws *rand.Rand, begin time.Duration) (list []asked) {
	for at := abuseFrom; ; {
		at += time.Duration(draws.ExpFloat64() / abuseRate * float64(time.Second))
		if at >= abuseTo {
			return list
		}
		if at >= begin && at < begin+day {
			list = append(list, ask(draws, at-begin, abuser))
		}
	}
}

// again are the second and third tries of requests that fail in the outage, as clients make them.
func again(draws *rand.Rand, begin time.Duration, list []asked) (more []asked) {
	for _, a := range list {
		at := begin + a.At
		for retry := 1; retry <= 2 && at >= outFrom && at < outTo; retry++ {
			at += time.Duration((0.5 + 0.5*draws.Float64()) * float64(retry) * float64(time.Second))
			next := a
			next.At, next.retry = at-begin, retry
			more = append(more, next)
		}
	}
	return more
}
