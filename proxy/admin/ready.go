// Health and readiness of the gateway.

package admin

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// Readiness says whether the gateway itself may be sent requests.
type Readiness struct {
	// NotReady has the reasons why not, such as "shutting down". Empty means
	// ready.
	NotReady []string
	// LastReload is how the last load of a configuration ended. A failure does
	// not make the gateway unready: the old configuration stays in force.
	LastReload Reload
}

// Reload is how one load of the configuration ended.
type Reload struct {
	At    time.Time `json:"at"`
	Error string    `json:"error,omitempty"` // "" when it succeeded
}

type healthAnswer struct {
	Status string `json:"status"`
	PID    int    `json:"pid"` // of the process that answers: after an upgrade it is another
}

type readinessAnswer struct {
	Ready      bool     `json:"ready"`
	Reasons    []string `json:"reasons"`
	LastReload Reload   `json:"last_reload,omitzero"`
}

// getHealth answers 200 for as long as the process can answer at all: if it
// did not, a supervisor would restart the process and cut its streams.
func (s *Server) getHealth(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, healthAnswer{Status: "ok", PID: os.Getpid()})
}

// getReadiness tells the state of the gateway, and with ?upstreams=1 that of its
// upstreams too. That is not the default, or a failure of all inference servers
// would take every gateway out of service, and with them the answers that say
// what is wrong.
func (s *Server) getReadiness(w http.ResponseWriter, r *http.Request) {
	withUpstreams, err := flag(r, "upstreams")
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	now := s.ready()
	reasons := append([]string{}, now.NotReady...)
	if withUpstreams {
		upstreams := s.fleet.Upstreams()
		for i := range upstreams {
			if upstreams[i].eligible() == 0 {
				reasons = append(reasons, upstreams[i].whyNone())
			}
		}
	}
	status := http.StatusOK
	if len(reasons) > 0 {
		status = http.StatusServiceUnavailable
	}
	answer(w, status, readinessAnswer{Ready: len(reasons) == 0, Reasons: reasons, LastReload: now.LastReload})
}

// flag reads a yes or no from the query; the bare name means yes.
func flag(r *http.Request, name string) (bool, error) {
	query := r.URL.Query()
	value := query.Get(name)
	if value == "" {
		return query.Has(name), nil
	}
	on, err := strconv.ParseBool(value)
	if err != nil {
		return false, fmt.Errorf("query parameter %s: must be 1 or 0, is %q", name, value)
	}
	return on, nil
}

// whyNone says in one line why the upstream has no eligible endpoint, however
// many endpoints it has.
func (u *Upstream) whyNone() string {
	if len(u.Endpoints) == 0 {
		return "upstream " + u.Name + ": has no endpoints"
	}
	var counts []string
	for _, name := range []ConditionName{Draining, Departing, Arriving, ProbeFailed, Ejected} {
		n := 0
		for _, e := range u.Endpoints {
			if e.has(name) {
				n++
			}
		}
		if n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, name))
		}
	}
	return fmt.Sprintf("upstream %s: none of its endpoints is eligible (%s of %d)",
		u.Name, strings.Join(counts, ", "), len(u.Endpoints))
}

func (e *Endpoint) has(name ConditionName) bool {
	for _, c := range e.Conditions {
		if c.Name == name {
			return true
		}
	}
	return false
}
