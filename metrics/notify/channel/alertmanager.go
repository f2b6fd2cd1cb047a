// Alertmanager: it is told the list of alerts again and again, by its API version 2.

package channel

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/alert"
	"github.com/steelyard-proxy/steelyard/metrics/notify"
)

const (
	// believedFor is how long Alertmanager goes on without hearing from us before it takes an alert for over. It is
	// told each minute.
	believedFor = 5 * time.Minute
	mostPosted  = 256 // alerts in one request
	alertsPath  = "/api/v2/alerts"
)

// Alertmanager posts to one Alertmanager.
type Alertmanager struct {
	poster  *notify.Poster
	gateway string
}

// NewAlertmanager makes one. The target's URL is the address of Alertmanager, with its path prefix if it has one.
func NewAlertmanager(t notify.Target, gateway string) *Alertmanager {
	t.URL = notify.NewSecret(strings.TrimSuffix(t.URL.Reveal(), "/") + alertsPath)
	return &Alertmanager{notify.NewPoster(t), gateway}
}

type postedAlert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
}

// Tell implements dispatch.Mirror. It tries once: a moment later there may be other things to tell.
func (m *Alertmanager) Tell(ctx context.Context, alerts []alert.Alert, now time.Time) error {
	list := make([]postedAlert, len(alerts))
	for i := range alerts {
		list[i] = posted(&alerts[i], m.gateway, now)
	}
	for len(list) > 0 {
		n := min(len(list), mostPosted)
		body, err := json.Marshal(list[:n])
		if err != nil {
			return fmt.Errorf("write alerts: %w", err)
		}
		if err := m.poster.Post(ctx, notify.Sending{Body: body, Attempts: 1}); err != nil {
			return verdict(err)
		}
		list = list[n:]
	}
	return nil
}

func posted(a *alert.Alert, gateway string, now time.Time) postedAlert {
	p := postedAlert{Labels: labels(a, gateway), Annotations: annotations(a), StartsAt: stamp(a.StartsAt), EndsAt: stamp(now.Add(believedFor))}
	if a.State == alert.Inactive {
		p.EndsAt = stamp(a.EndsAt)
	}
	return p
}

// Close implements dispatch.Mirror.
func (m *Alertmanager) Close() { m.poster.Close() }
