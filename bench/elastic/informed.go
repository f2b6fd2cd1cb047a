// Rules that are told the rate, which no gateway is: a bound for what one can learn from the past.

package elastic

import "math"

// rateSeconds is the step in which courses know their own rate.
const rateSeconds = 5.0

// informed is told how much work comes in the mean, without noise and delay, and nothing of single requests. Its margin is the square
// root that steelyard's is, for as busy as one replica alone shall be.
type informed struct {
	rates       []float64 // servers' worth of work, by rateSeconds
	ahead       float64   // so many seconds it is told beforehand; 0: only what is now
	utilization float64
}

func (*informed) every() float64 { return rateSeconds }

func (k *informed) decide(f *fleet) int {
	last := len(k.rates) - 1
	from, to := min(int(f.now/rateSeconds), last), min(int((f.now+k.ahead)/rateSeconds), last)
	now, most := k.rates[from], 0.0
	for _, rate := range k.rates[from : to+1] {
		most = max(most, rate)
	}
	u := k.utilization
	wanted := math.Ceil(most + (1-u)/math.Sqrt(u)*math.Sqrt(most) - 0.1)
	// What waits when a replica that is ordered now is ready, worked off within as long again.
	serving := float64(f.counts[serving])
	if left := float64(f.held())/f.capacity() + (now-serving)*f.start; f.held() > 0 && left > f.wait*serving {
		wanted = max(wanted, math.Ceil(now+left/f.start))
	}
	return int(wanted)
}

// informs is a rule that is told the rate as it is, or also what it will be until a start is over.
func informs(ahead bool) func(*prepared, float64) Figures {
	return func(c *prepared, utilization float64) Figures {
		s := c.setup
		s.revives = true
		k := &informed{rates: c.rates, utilization: utilization}
		if ahead {
			k.ahead = s.start
		}
		return simulate(s, c.requests(), k)
	}
}
