// Advice on users who leave before most of them have an answer.

package advice

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/stats"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

const (
	// patienceTime is how long one part of what is remembered lasts: there are two.
	patienceTime = 12 * time.Hour
	// patienceLeast is how many requests there must have been, and leftLeast how many of them were given up.
	patienceLeast, leftLeast = 1000, 30
	// saidLeast is how many clients must have said how long they wait.
	saidLeast = 100
	// mostAnswered is the part of users who should have the beginning of their answer before patience ends.
	mostAnswered = 0.9
)

// waits has how long users waited for the beginning of their answers, and how long they would have.
type waits struct {
	since    time.Time
	now, old waitsView
}

// waitsView is what was seen in some time.
type waitsView struct {
	answered  histogram // seconds until the answer began
	left      histogram // seconds until the user left, before that
	responses histogram // seconds until answers ended
	timeouts  histogram // seconds that clients say they wait
	lost      float64   // seconds of service for those who left before the beginning of their answer
	work      float64   // seconds of service in all
}

// add counts a request that stands for n; 0: only its work counts.
func (w *waits) add(r *usage.Row, n int) {
	if w.since.IsZero() {
		w.since = r.At
	}
	if r.At.Sub(w.since) >= patienceTime {
		w.old, w.now, w.since = w.now, waitsView{}, r.At
	}
	v := &w.now
	v.work += r.Service.Seconds()
	if n == 0 {
		return
	}
	if r.ClientTimeout > 0 {
		v.timeouts.add(r.ClientTimeout.Seconds(), n)
	}
	switch {
	case r.Aborted() && !r.Begun:
		v.left.add(r.Response.Seconds(), n)
		v.lost += r.Service.Seconds() // whoever left stands for nobody else
	case r.FirstByte > 0:
		v.answered.add(r.FirstByte.Seconds(), n)
		if r.Class == answered {
			v.responses.add(r.Response.Seconds(), n)
		}
	}
}

func (w *waits) view(now time.Time) (sum waitsView) {
	for _, part := range []*waitsView{&w.old, &w.now} {
		if part == &w.now && now.Sub(w.since) > 2*patienceTime {
			continue // nothing came for a day
		}
		sum.answered, sum.left = sum.answered.join(&part.answered), sum.left.join(&part.left)
		sum.responses, sum.timeouts = sum.responses.join(&part.responses), sum.timeouts.join(&part.timeouts)
		sum.lost, sum.work = sum.lost+part.lost, sum.work+part.work
	}
	return sum
}

// survival is Kaplan and Meier's: the time by which so many have had the event, of all who would have had it. The others were
// there until they had what ended their wait. ok is false where fewer have had it, however long they were there. low and
// high hold the time in nine cases of ten, by Greenwood's formula and by how many of the others were drawn; high is infinite where it
// is not known.
func survival(event, other *histogram, part float64) (at, low, high float64, ok bool) {
	const nine = 1.645 // deviations on both sides that hold nine of ten
	var ends []stats.Ends
	both := event.join(other)
	for b := range both.all {
		count := float64(other.of(b))
		ends = append(ends, stats.Ends{At: middle(b), Event: float64(event.of(b)), Other: count, Variance: count * (other.each() - 1)})
	}
	high = math.Inf(1)
	for _, s := range stats.Survival(ends) {
		wide := nine * s.Deviation
		if low == 0 && s.Part-wide <= 1-part {
			low = s.At
		}
		if !ok && s.Part <= 1-part {
			at, ok = s.At, true
		}
		if s.Part+wide <= 1-part {
			high = s.At
			break
		}
	}
	return at, low, high, ok
}

func patience(v *view) []Advice {
	w := &v.waits
	users, left := w.answered.n+w.left.n, w.left.n
	n := w.answered.worth() + left // that were taken for all users
	if n < patienceLeast {
		return v.unsure(Patience, n, fmt.Sprintf("it takes %d requests, and there were %d in a day", patienceLeast, n), nil)
	}
	begun, _, _, _ := survival(&w.answered, &w.left, mostAnswered)
	whole := w.responses.quantile(mostAnswered)
	evidence := map[string]any{"left": left, "first_byte_p90_s": begun, "response_p90_s": whole}
	if said := w.timeouts.worth(); said >= saidLeast {
		timeout := w.timeouts.quantile(0.5)
		evidence["client_timeout_s"], evidence["clients_that_say"] = timeout, said
		if timeout < whole {
			return v.impatient(said, [2]float64{timeout, timeout}, fmt.Sprintf("half of the clients that say how long they wait give up after %s or less, and answers take up to %s (nine of ten)",
				brief(timeout), brief(whole)), evidence)
		}
	}
	if left < leftLeast {
		return v.well(Patience, n, fmt.Sprintf("%d of %d users left before their answer began", left, users), evidence)
	}
	median, low, high, ok := survival(&w.left, &w.answered, 0.5)
	if !ok {
		return v.well(Patience, n, fmt.Sprintf("%d of %d users left before their answer began; most wait longer than anybody had to", left, users), evidence)
	}
	evidence["patience_s"] = median
	if high >= begun {
		a := v.well(Patience, n, fmt.Sprintf("half of the users wait %s or longer, and nine answers of ten begin within %s", brief(median), brief(begun)), evidence)
		a[0].Interval = finite(low, high)
		return a
	}
	return v.impatient(n, [2]float64{low, high}, fmt.Sprintf("half of the users leave within %s, and it takes %s until nine answers of ten begin", brief(median), brief(begun)), evidence)
}

func (v *view) impatient(n int, between [2]float64, text string, evidence map[string]any) []Advice {
	text += ". Give the upstream more capacity, or a queue.max_wait below that, so that nobody is served who has left"
	a := v.told(Patience, Advised, n, text, evidence)
	a.Interval = &between
	a.Effect = v.relieved(v.waits.lost / max(v.waits.work, 1e-9))
	return []Advice{a}
}

// finite is an interval, or none where it has no end.
func finite(low, high float64) *[2]float64 {
	if slices.ContainsFunc([]float64{low, high}, func(x float64) bool { return math.IsInf(x, 0) || math.IsNaN(x) }) {
		return nil
	}
	return &[2]float64{low, high}
}
