// What keeps an alert from being told: a silence, or that its whole upstream is out.

package dispatch

import (
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/alert"
)

// afterOutage is how long alerts about endpoints stay muted when their upstream is back: they need a moment to end too.
const afterOutage = 5 * time.Minute

// outage is an alert about a whole upstream.
type outage struct {
	key  string    // the alert's fingerprint
	seen time.Time // when it last fired
}

// noteOutages remembers which upstreams are out.
func (d *Dispatcher) noteOutages(alerts []seen, now time.Time) {
	for _, a := range alerts {
		if a.Endpoint == "" && a.Upstream != "" && fires(a.Alert) && slices.Contains(d.Mutes, a.Name) {
			_, known := d.outages[a.Upstream]
			d.outages[a.Upstream], d.remuted = outage{a.key, now}, d.remuted || !known
		}
	}
	for upstream, o := range d.outages {
		if now.Sub(o.seen) >= afterOutage {
			delete(d.outages, upstream)
			d.remuted = true
		}
	}
}

// Muted says what keeps an alert from being told: the ID of a silence, or the fingerprint of the alert
// about its whole upstream.
func (d *Dispatcher) Muted(a *alert.Alert) (silencedBy, inhibitedBy string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.muted(a, d.now())
}

func (d *Dispatcher) muted(a *alert.Alert, now time.Time) (silencedBy, inhibitedBy string) {
	for _, s := range d.silences {
		if s.covers(a, now) {
			silencedBy = s.ID
			break
		}
	}
	if a.Endpoint != "" {
		inhibitedBy = d.outages[a.Upstream].key
	}
	return silencedBy, inhibitedBy
}
