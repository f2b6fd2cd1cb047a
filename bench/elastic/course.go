// What is asked for in a run: requests by time, and what the forecast has seen before.

package elastic

import "math"

// course is what clients ask for, and the fleet that they ask.
type course struct {
	name   string
	setup  setup
	at     []float64 // when requests come; nil: users does
	work   []float32 // of each, of mean 1
	users  *crowd    // a closed loop; nil: at and work
	rates  []float64 // servers' worth of work that comes in the mean, by rateSeconds; nil: nobody knows
	past   []float64 // work per second of weeks before, by stepSeconds, oldest first
	public bool
}

// stepSeconds is the step of the past, as the gateway's forecast has it.
const stepSeconds = 300

// requests begins the course anew.
func (c *course) requests() source {
	if c.users != nil {
		return c.users.begin(c.setup.unit)
	}
	return &listed{course: c}
}

// listed gives out requests at the times of a list, whatever becomes of those before.
type listed struct {
	course *course
	i      int
}

func (l *listed) next() float64 {
	if l.i == len(l.course.at) {
		return math.Inf(1)
	}
	return l.course.at[l.i]
}

func (l *listed) take() request {
	q := request{at: l.course.at[l.i], service: float64(l.course.work[l.i]) * l.course.setup.unit}
	l.i++
	return q
}

func (*listed) ended(request, float64) {}
