// Hearing what becomes of containers.

package docker

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/again"
)

const (
	leastAgain = time.Second // before the engine is asked for events again
	mostAgain  = 30 * time.Second
)

// Run says when something becomes of our containers, until ctx ends.
func (a *Actuator) Run(ctx context.Context, changed func()) error {
	changed() // those that there are
	for deaf := 0; ctx.Err() == nil; deaf++ {
		if a.hear(ctx, changed) {
			deaf = 0
		}
		select {
		case <-ctx.Done():
		case <-time.After(again.After(deaf, leastAgain, mostAgain)):
		}
		changed() // what was missed
	}
	return nil
}

// hear follows the engine's events until they break off, and reports whether it heard any.
func (a *Actuator) hear(ctx context.Context, changed func()) (heard bool) {
	answer, err := a.engine.open(ctx, http.MethodGet, "/events", a.filters(map[string][]string{"type": {"container"}}), nil)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	for stream := json.NewDecoder(answer.Body); ; {
		var e struct {
			Action string `json:"Action"`
		}
		if stream.Decode(&e) != nil {
			return heard
		}
		heard = true
		changed()
	}
}
