// Reloading the configuration.

package admin

import (
	"errors"
	"net/http"

	"go.uber.org/zap"
)

// Reloaded is what a reload has changed, as the API shows it.
type Reloaded struct {
	Changed     bool     `json:"changed"`
	Changes     []Change `json:"changes"`       // the keys that differ from the configuration before
	FilesRead   bool     `json:"files_read"`    // only files that the configuration names hold something else
	AtNextStart []string `json:"at_next_start"` // keys that differ from those of the start, and need another
}

// Change is one key of the configuration that is not as before.
type Change struct {
	Key  string `json:"key"`
	What string `json:"what"` // changed, added, removed or moved
}

// Problem is one mistake in a configuration.
type Problem struct {
	Place  string `json:"place"` // the file and line, or a variable
	Key    string `json:"key,omitempty"`
	What   string `json:"what"`
	Remedy string `json:"remedy,omitempty"`
}

// ReloadRefused says why a configuration was not taken. The one before stays in force.
type ReloadRefused struct {
	Err      error
	Problems []Problem // those of the file, if that is at fault
}

// Error implements error.
func (e *ReloadRefused) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *ReloadRefused) Unwrap() error { return e.Err }

// ErrStopping says that nothing is reloaded any more.
var ErrStopping = errors.New("steelyard is shutting down")

// postReload reads the configuration again, and tells what has changed or what is wrong.
func (s *Server) postReload(w http.ResponseWriter, r *http.Request) {
	if s.reload == nil {
		fail(w, http.StatusConflict, "this steelyard was not started from a file: there is nothing to read again")
		return
	}
	s.log.Info("reload asked for on the admin listener", zap.String("client", r.RemoteAddr))
	told, err := s.reload()
	if err == nil {
		told.Changes = append([]Change{}, told.Changes...)
		told.AtNextStart = append([]string{}, told.AtNextStart...)
		answer(w, http.StatusOK, told)
		return
	}
	refused, ok := errors.AsType[*ReloadRefused](err)
	if !ok {
		fail(w, http.StatusConflict, err.Error())
		return
	}
	answer(w, http.StatusUnprocessableEntity, errorAnswer{errorDetail{
		Message: "the old configuration stays: " + refused.Error(), Problems: refused.Problems,
	}})
}
