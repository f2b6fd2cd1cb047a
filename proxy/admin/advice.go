// Recommendations: what should be changed, and changing it.

package admin

import (
	"errors"
	"net/http"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/metrics/advice"
)

// Advisor has recommendations, and can follow them.
type Advisor interface {
	Advice() (list []advice.Advice, on bool) // on is false where nobody asked for any
	// Apply makes the change of one. The error is ErrNoAdvice, or NotApplicable.
	Apply(id string) (advice.Advice, error)
}

// ErrNoAdvice says that there is none of that ID, or no longer.
var ErrNoAdvice = errors.New("there is no such advice")

// NotApplicable says why an advice cannot be applied while the gateway runs.
type NotApplicable struct{ Err error }

// Error implements error.
func (e NotApplicable) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e NotApplicable) Unwrap() error { return e.Err }

type adviceAnswer struct {
	Advice []advice.Advice `json:"advice"`
}

type appliedAnswer struct {
	ID      string         `json:"id"`
	Changes []changedValue `json:"changes"`
	Lasts   string         `json:"lasts"`
}

type changedValue struct {
	Upstream string `json:"upstream"`
	Endpoint string `json:"endpoint,omitempty"`
	Key      string `json:"key"`
	Value    string `json:"value"`
}

// appliedLasts warns operators who leave it at that.
const appliedLasts = "until the configuration is read again or steelyard is restarted: put the advice's diff into the file to keep it"

const noAdvice = "nothing is recommended here: set optimise: show"

func (s *Server) getAdvice(w http.ResponseWriter, _ *http.Request) {
	if s.advisor == nil {
		fail(w, http.StatusNotFound, noAdvice)
		return
	}
	list, on := s.advisor.Advice()
	if !on {
		fail(w, http.StatusNotFound, noAdvice)
		return
	}
	answer(w, http.StatusOK, adviceAnswer{append([]advice.Advice{}, list...)})
}

// postApplyAdvice makes the change of an advice. Whoever asks has seen it: the ID is that of the change and its value.
func (s *Server) postApplyAdvice(w http.ResponseWriter, r *http.Request) {
	if s.advisor == nil {
		fail(w, http.StatusNotFound, noAdvice)
		return
	}
	id := r.PathValue("id")
	a, err := s.advisor.Apply(id)
	switch {
	case errors.Is(err, ErrNoAdvice):
		list, _ := s.advisor.Advice()
		var known []string
		for _, one := range list {
			if one.Status == advice.Advised && len(one.Changes) > 0 {
				known = append(known, one.ID)
			}
		}
		fail(w, http.StatusNotFound, "no advice has the ID "+id+"; one that was found anew with another value has another", known...)
		return
	case err != nil:
		fail(w, http.StatusConflict, "advice "+id+" cannot be applied: "+err.Error())
		return
	}
	s.log.Info("an advice is applied by the operator", zap.String("advice", id), zap.String("text", a.Text), zap.String("client", r.RemoteAddr))
	told := appliedAnswer{ID: a.ID, Changes: []changedValue{}, Lasts: appliedLasts}
	for _, c := range a.Changes {
		told.Changes = append(told.Changes, changedValue(c))
	}
	answer(w, http.StatusOK, told)
}
