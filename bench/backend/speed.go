// Changing a server's speed while it runs.

package backend

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// SetSpeed makes the server so many times as fast as its options say, from this
// instant on and for the requests in service too: 0.5 is half the capacity, 1
// the nominal one. The server tells nobody. It may be called from any goroutine.
func (s *Server) SetSpeed(factor float64) error {
	if err := checkSpeed(factor); err != nil {
		return fmt.Errorf("simulated server %q: %w", s.options.Name, err)
	}
	s.clock.change(time.Now(), func(now float64) { s.clock.setSpeed(now, factor, s.clock.hung) })
	return nil
}

func checkSpeed(factor float64) error {
	if !(factor > 0) || math.IsInf(factor, 1) {
		return fmt.Errorf("speed %v: must be a positive number, 1 for the nominal speed", factor)
	}
	return nil
}

// Speed is what SetSpeed made it.
func (s *Server) Speed() float64 {
	s.clock.mu.Lock()
	defer s.clock.mu.Unlock()
	return s.clock.speed
}

// switchSpeed is POST /speed?factor=FACTOR.
func (s *Server) switchSpeed(w http.ResponseWriter, r *http.Request) {
	text := r.URL.Query().Get("factor")
	factor, err := strconv.ParseFloat(text, 64)
	if err == nil {
		err = s.SetSpeed(factor)
	}
	if err != nil {
		writeRefusal(w, badRequest("factor", fmt.Sprintf("factor %q: give a positive number, 1 for the nominal speed", text)))
		return
	}
	s.showSpeed(w, r)
}

func (s *Server) showSpeed(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"server": s.options.Name, "speed": s.Speed()})
}
