// What actions of alerts do to the fleet.

package app

import (
	"errors"
	"fmt"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/metrics/alert"
)

// acting does what actions say, on the fleet.
type acting struct{ fleet *fleet }

// Act implements alert.Doer.
func (d *acting) Act(a *alert.Action, of *alert.Alert) (done string, err error) {
	switch a.Do {
	case alert.Drain:
		return d.drain(a, of)
	case alert.Recover:
		return d.fleet.askRecovery(of.Upstream, of.Endpoint, "alert "+of.Name)
	case alert.Scale:
		return d.fleet.askedByAlert(of.Upstream, a.Step), nil
	case alert.Shed:
		return d.fleet.shed(a, of, true)
	}
	panic("BUG: an action of a kind that is not known")
}

// Undo implements alert.Doer.
func (d *acting) Undo(a *alert.Action, of *alert.Alert) {
	if a.Do == alert.Shed {
		_, _ = d.fleet.shed(a, of, false)
	}
}

// drain takes an endpoint out, if at least half of the upstream's are left, and one of those that get requests.
func (d *acting) drain(a *alert.Action, of *alert.Alert) (string, error) {
	for _, s := range d.fleet.snapshots() {
		if s.Upstream != of.Upstream {
			continue
		}
		drained, eligible := 1, 0
		for _, e := range s.Endpoints {
			switch {
			case e.Endpoint.Name() == of.Endpoint:
			case e.Conditions&(balancer.Draining|balancer.Departing|balancer.Arriving) != 0:
				drained++
			case e.Eligible:
				eligible++
			}
		}
		if eligible == 0 {
			return "", fmt.Errorf("no other endpoint of upstream %s is eligible", of.Upstream)
		}
		if 2*drained > len(s.Endpoints) {
			return "", fmt.Errorf("more than half of the endpoints of upstream %s would be drained", of.Upstream)
		}
	}
	changed, err := d.fleet.Drain(of.Upstream, of.Endpoint, true, "action "+a.Name+", as alert "+of.Name+" fires")
	if err == nil && !changed {
		err = fmt.Errorf("endpoint %s is drained already", of.Endpoint)
	}
	return "endpoint " + of.Endpoint + " gets no new requests until an operator undrains it", err
}

// askRecovery asks for the recovery action of an upstream, which keeps its own bounds and its own dry run.
func (f *fleet) askRecovery(upstream, endpoint, why string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u := find(f.upstreams, upstream)
	switch {
	case u == nil:
		return "", fmt.Errorf("no upstream is named %s", upstream)
	case u.watch == nil:
		return "", fmt.Errorf("upstream %s has no recovery", upstream)
	case !u.watch.Ask(endpoint, why):
		return "", errors.New("too many recoveries are asked for already")
	}
	return "the recovery action of upstream " + upstream + " is asked for endpoint " + endpoint + ", within its own bounds", nil
}

// shed is that requests of an upstream are turned away.
type shed struct {
	upstream string // "": of all
	below    uint8  // of lower priorities
}

// shed begins or ends to turn requests away. Where several do, the highest priority counts.
func (f *fleet) shed(a *alert.Action, of *alert.Alert, on bool) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := a.Name + "\x1f" + of.Fingerprint()
	if delete(f.sheds, key); on {
		f.sheds[key] = shed{of.Upstream, uint8(a.Below)}
	}
	for _, u := range f.upstreams {
		below := uint8(0)
		for _, s := range f.sheds {
			if s.upstream == "" || s.upstream == u.name {
				below = max(below, s.below)
			}
		}
		u.shedding.Set(below)
	}
	where := "upstream " + of.Upstream
	if of.Upstream == "" {
		where = "all upstreams"
	}
	return fmt.Sprintf("requests to %s of priorities below %d get 503, for %s at most", where, a.Below, a.Most), nil
}
