// Trying requests again: keys, defaults, validation.

package configs

import (
	"reflect"
	"time"
)

// Retry says when a request of an upstream is tried again. In a file "retry: off" stands for {attempts: 1}.
type Retry struct {
	Attempts    int           `yaml:"attempts"`     // tries of a request, the first included; 1: none is tried again
	Statuses    []StatusRange `yaml:"statuses"`     // answers after which it is; 500 only where it may be done twice
	Idempotent  Idempotent    `yaml:"idempotent"`   // which requests may be done twice
	BudgetRatio float64       `yaml:"budget_ratio"` // most retries, as a part of the requests
	Backoff     time.Duration `yaml:"backoff"`      // before the first retry, at most
	MaxBackoff  time.Duration `yaml:"max_backoff"`  // before any
	Within      time.Duration `yaml:"within"`       // after the request got its first endpoint; 0: no bound
}

// Idempotent says which requests may be done twice: "auto", "true" or "false".
type Idempotent string

func retryDefaults() Retry {
	return Retry{
		Attempts:    3,
		Statuses:    []StatusRange{{429, 429}, {500, 500}, {502, 504}},
		Idempotent:  auto,
		BudgetRatio: 0.2,
		Backoff:     25 * time.Millisecond,
		MaxBackoff:  250 * time.Millisecond,
		Within:      time.Minute,
	}
}

const mostAttempts = 10

func (r *report) validateRetry(p path, y *Retry) {
	between(r, p.key("attempts"), y.Attempts, 1, mostAttempts, "give the tries of a request, the first included; 1 to try none again")
	r.validateStatuses(p.key("statuses"), y.Statuses)
	for i, s := range y.Statuses {
		if s.From < 400 && s.From >= 100 && s.From <= s.To && s.To <= 599 {
			r.add(p.key("statuses").item(i), "list statuses from 400 on", "has answers that are no errors: %s", s)
		}
	}
	between(r, p.key("budget_ratio"), y.BudgetRatio, 0, 1, "give the part of the requests that retries may come to, such as 0.2")
	between(r, p.key("backoff"), y.Backoff, 0, time.Minute, "give the longest wait before the first retry")
	if between(r, p.key("max_backoff"), y.MaxBackoff, 0, time.Minute, "give the longest wait before any retry") && y.MaxBackoff < y.Backoff {
		r.add(p.key("max_backoff"), "raise it or lower backoff", "must be at least backoff (%s), is %s", show(y.Backoff), show(y.MaxBackoff))
	}
	r.optional(p.key("within"), y.Within)
}

// reviewRetry notes what has no effect where nothing is tried again.
func (r *report) reviewRetry(p path, y *Retry) {
	usual := retryDefaults()
	usual.Attempts, usual.Statuses = y.Attempts, y.Statuses
	if y.Attempts == 1 && !reflect.DeepEqual(*y, usual) {
		r.note(p.key("attempts"), "raise it, or remove the other keys", "with 1 no request is tried again, and the other keys have no effect")
	}
}

func readIdempotent(_, text string) (any, bool) {
	return Idempotent(text), text == auto || text == "true" || text == "false"
}
