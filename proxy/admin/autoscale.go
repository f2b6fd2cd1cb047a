// The routes that say how many servers upstreams need, and pause their being started and stopped.

package admin

import (
	"net/http"
	"time"

	"go.uber.org/zap"
)

// Autoscale knows how many servers upstreams need. It is asked from many goroutines at once.
type Autoscale interface {
	Scales() []Scale // of the upstreams that are scaled, in configured order
	// Pause switches whether the servers of an upstream are started and stopped, and says whether that changes anything.
	Pause(upstream string, on bool, reason string) (changed bool)
}

// Scale is how one upstream is scaled.
type Scale struct {
	Upstream    string             `json:"upstream"`
	Min         int                `json:"min"`
	Max         int                `json:"max"`
	Actuator    string             `json:"actuator"`                 // its kind; empty: nobody here starts or stops servers
	Wanted      int                `json:"wanted"`                   // servers that there shall be
	Current     int                `json:"current"`                  // that there are, those that start included and those that are drained not
	Ready       int                `json:"ready"`                    // that serve
	Coming      int                `json:"coming"`                   // that start
	Draining    int                `json:"draining"`                 // that get no new requests and are stopped when they have none left
	Need        *float64           `json:"need,omitempty"`           // servers' worth of work, not rounded and with no bounds; nil: not known
	WorkWaiting *float64           `json:"work_waiting_s,omitempty"` // how long one server would work on it; nil: not known
	Arriving    *float64           `json:"work_arriving,omitempty"`  // servers' worth of work; nil: not known
	Utilization *float64           `json:"utilization,omitempty"`    // 0 to 1; nil: not known
	StartTime   float64            `json:"start_s"`                  // how long a start takes, as measured or assumed
	Reason      string             `json:"reason"`                   // of the decision, in words
	At          time.Time          `json:"at"`                       // of the decision
	Held        bool               `json:"held"`                     // something speaks against what would be wanted
	Burst       bool               `json:"burst"`                    // so much came at once that nothing goes for a minute
	DryRun      bool               `json:"dry_run"`                  // nothing is started or stopped
	Leader      bool               `json:"leader"`                   // this gateway is the one that acts
	Paused      string             `json:"paused"`                   // by whose word nothing is started or stopped; empty: it is not paused
	Problem     string             `json:"problem"`                  // why it is not known how many servers there are; empty: it is
	Inputs      map[string]float64 `json:"inputs"`                   // the figures that it was decided by
	Servers     []ScaleServer      `json:"servers"`                  // that the actuator says it has
	LastOrders  []ScaleOrder       `json:"last_orders"`              // the newest last
}

// ScaleServer is a server by the account of who runs it.
type ScaleServer struct {
	Name    string    `json:"name"`
	URL     string    `json:"url"`
	State   string    `json:"state"` // starting, running, stopping or failed
	Since   time.Time `json:"since"`
	Problem string    `json:"problem"`
}

// ScaleOrder is what was asked of who runs the servers.
type ScaleOrder struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	From    int       `json:"from"`
	To      int       `json:"to"`
	Victims []string  `json:"victims"` // endpoints that were to be stopped
	Reason  string    `json:"reason"`
	Result  string    `json:"result"` // taken, or why not; empty: not known yet
}

type scalesAnswer struct {
	Upstreams []Scale `json:"upstreams"`
}

// scaleFigure is what an autoscaler of others asks for: KEDA's metrics-api by valueLocation value and targetValue 1.
type scaleFigure struct {
	Upstream string  `json:"upstream"`
	Value    float64 `json:"value"`  // servers' worth of work
	Target   float64 `json:"target"` // of one server
	Wanted   int     `json:"wanted"`
	Current  int     `json:"current"`
	Reason   string  `json:"reason"`
}

type pauseAnswer struct {
	Upstream string `json:"upstream"`
	Paused   bool   `json:"paused"`
	Changed  bool   `json:"changed"` // false when it was so already
	Lasts    string `json:"lasts,omitempty"`
}

// withLists returns a copy whose lists are empty rather than null.
func (s *Scale) withLists() Scale {
	c := *s
	c.Servers, c.LastOrders = append([]ScaleServer{}, s.Servers...), append([]ScaleOrder{}, s.LastOrders...)
	for i := range c.LastOrders {
		c.LastOrders[i].Victims = append([]string{}, c.LastOrders[i].Victims...)
	}
	if c.Inputs == nil {
		c.Inputs = map[string]float64{}
	}
	return c
}

func (s *Server) getScales(w http.ResponseWriter, _ *http.Request) {
	if s.autoscale == nil {
		failNoScaling(w)
		return
	}
	all := scalesAnswer{[]Scale{}}
	for _, u := range s.autoscale.Scales() {
		all.Upstreams = append(all.Upstreams, u.withLists())
	}
	answer(w, http.StatusOK, all)
}

// scaleOf is how an upstream is scaled; nil: it has answered that nobody scales it.
func (s *Server) scaleOf(w http.ResponseWriter, upstream string) *Scale {
	if s.autoscale == nil {
		failNoScaling(w)
		return nil
	}
	var known []string
	for _, u := range s.autoscale.Scales() {
		if u.Upstream == upstream {
			return &u
		}
		known = append(known, u.Upstream)
	}
	fail(w, http.StatusNotFound, "no upstream named "+upstream+" has scale in its configuration", known...)
	return nil
}

// getScale is for the autoscalers of others. It never answers with a figure that is not known: they would take 0 for idle.
func (s *Server) getScale(w http.ResponseWriter, r *http.Request) {
	u := s.scaleOf(w, r.PathValue("upstream"))
	if u == nil {
		return
	}
	if u.Need == nil {
		why := u.Reason
		if why == "" {
			why = "nothing was decided yet"
		}
		w.Header().Set("Retry-After", "5")
		fail(w, http.StatusServiceUnavailable, "it is not known how much work upstream "+u.Upstream+" has: "+why)
		return
	}
	answer(w, http.StatusOK, scaleFigure{u.Upstream, *u.Need, 1, u.Wanted, u.Current, u.Reason})
}

func (s *Server) postPause(w http.ResponseWriter, r *http.Request)  { s.pause(w, r, true) }
func (s *Server) postResume(w http.ResponseWriter, r *http.Request) { s.pause(w, r, false) }

// pause switches whether servers are started and stopped. To repeat it changes nothing and is no error.
func (s *Server) pause(w http.ResponseWriter, r *http.Request, on bool) {
	reason, ok := s.reasonOf(w, r)
	if !ok {
		return
	}
	u := s.scaleOf(w, r.PathValue("upstream"))
	if u == nil {
		return
	}
	a := pauseAnswer{Upstream: u.Upstream, Paused: on, Changed: s.autoscale.Pause(u.Upstream, on, reason)}
	if on {
		a.Lasts = "until resume: reloads and upgrades in place keep it, and restarts with alerts.state_file"
	}
	s.log.Info("scaling switched by the operator", zap.String("upstream", u.Upstream), zap.Bool("paused", on), zap.String("reason", reason), zap.String("client", r.RemoteAddr))
	answer(w, http.StatusOK, a)
}

func failNoScaling(w http.ResponseWriter) {
	fail(w, http.StatusNotFound, "no upstream is scaled here: give one scale in the configuration")
}
