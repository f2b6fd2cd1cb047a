// Changing a pool's endpoints and their conditions.

package balancer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrNoEndpoints says that an update had no endpoints. It is never obeyed: an empty list comes
// more often from a broken source than from somebody who wants it.
var ErrNoEndpoints = errors.New("the list of endpoints is empty, which would stop all traffic; the endpoints in force stay")

// member is one endpoint with what may change about it. Guarded by Pool.mu.
type member struct {
	endpoint    *Endpoint
	capacity    float64
	slots       int
	tier        int
	cacheTokens int64
	departing   string
	standing    standing
	way         way
}

// replace sets options and members, and returns the number of the change and the
// endpoints that are no longer members.
func (p *Pool) replace(o Options, endpoints []EndpointOptions) (change uint64, gone []*Endpoint, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.retired.Load() {
		return 0, nil, ErrRetired
	}
	if p.options.same(o) && slices.EqualFunc(p.members, endpoints, (*member).is) {
		return p.changes, nil, nil
	}
	before := make(map[string]*member, len(p.members))
	for _, m := range p.members {
		before[m.endpoint.name] = m
	}
	members := make([]*member, len(endpoints))
	var fresh []*member
	for i, o := range endpoints {
		next := &member{capacity: o.Capacity, slots: o.Slots, tier: o.Tier, cacheTokens: o.CacheTokens, departing: o.Departing}
		m := before[o.Name]
		same := m != nil && m.endpoint.url == o.URL && m.endpoint.uid == o.UID
		if same {
			next.standing, next.way = m.standing, m.way
		} else if o.Arriving {
			next.standing, _ = standing{}.with(Arriving, true, "it is new, and gets requests once a probe passes", time.Now())
		}
		p.depart(next, o)
		if same && m.endpoint.via == o.Via {
			next.endpoint = m.endpoint
			delete(before, o.Name)
		} else {
			next.endpoint = newEndpoint(p, o)
			fresh = append(fresh, next)
		}
		members[i] = next
	}
	for _, m := range before {
		gone = append(gone, m.endpoint)
	}
	p.options, p.members = o, members
	if len(fresh) < len(members) {
		p.join(fresh)
	} else { // all are alike
		p.first = p.now()
	}
	p.changes++
	return p.changes, gone, nil
}

// depart switches the condition Departing of a member, as its options say, and keeps the transition to be told. The caller
// holds mu.
func (p *Pool) depart(m *member, o EndpointOptions) {
	now, on := time.Now(), o.Departing != ""
	since, changed := m.standing.since(Departing), false
	if m.standing, changed = m.standing.with(Departing, on, o.Departing, now); !changed {
		return
	}
	t := Transition{Upstream: p.name, Endpoint: o.Name, Condition: Departing, On: on, Reason: o.Departing}
	if !on {
		t.After = now.Sub(since)
	}
	p.marked = append(p.marked, t)
}

// join lets the capacity of members grow that are new among others, unless their servers are
// known already. The caller holds mu.
func (p *Pool) join(fresh []*member) {
	for _, m := range fresh {
		if m.way.at == Settled && m.standing.set&Arriving == 0 && p.options.SlowStart > 0 && !p.loads.shares(m.endpoint) {
			p.move(m, joined)
		}
	}
}

// together is for how long those that arrive after the first are as cold as that one is.
const together = time.Second

// greet lets a member begin that has arrived: with its whole capacity where it is the first or comes together with that, else
// as one that is new among others. The caller holds mu.
func (p *Pool) greet(m *member) {
	if now := p.now(); !p.others(m) {
		p.first = now
	} else if now-p.first > together {
		p.join([]*member{m})
	}
}

// others reports whether any member but this one has arrived and does not depart. The caller holds mu.
func (p *Pool) others(m *member) bool {
	return slices.ContainsFunc(p.members, func(other *member) bool { return other != m && other.standing.set&(Arriving|Departing) == 0 })
}

// is reports whether the member is what the options ask for.
func (m *member) is(o EndpointOptions) bool {
	return m.endpoint.name == o.Name && m.endpoint.url == o.URL && m.endpoint.uid == o.UID && m.endpoint.via == o.Via &&
		m.capacity == o.Capacity && m.slots == o.Slots && m.tier == o.Tier && m.cacheTokens == o.CacheTokens && m.departing == o.Departing
}

// mark switches the condition of a member, and returns the number of the last change. The
// snapshot is still to be published.
func (p *Pool) mark(endpoint string, c Condition, on bool, reason string) (change uint64, changed bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.retired.Load() {
		return 0, false, nil
	}
	for _, m := range p.members {
		if m.endpoint.name != endpoint {
			continue
		}
		now, since := time.Now(), m.standing.since(c)
		if m.standing, changed = m.standing.with(c, on, reason, now); changed {
			p.changes++
			t := Transition{Upstream: p.name, Endpoint: endpoint, Condition: c, On: on, Reason: reason}
			if !on {
				t.Reason, t.After = "", now.Sub(since)
			}
			p.marked = append(p.marked, t)
			p.judged(m)
			if c == Arriving && !on {
				p.greet(m)
			}
			if e := m.endpoint; c == ProbeFailed && on && e.Unreachable() {
				e.load.lost() // neither requests nor probes get there: it is down, and not only slow
			}
		}
		return p.changes, changed, nil
	}
	return 0, false, fmt.Errorf("upstream %q has no such endpoint; it has %s", p.name, p.names())
}

// names lists the first members for a message. The caller holds mu.
func (p *Pool) names() string {
	const most = 8
	var names []string
	for _, m := range p.members {
		if len(names) == most {
			return strings.Join(names, ", ") + ", ..."
		}
		names = append(names, m.endpoint.name)
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}

// validate reports everything that is wrong with an update, as one error.
func validate(o Options, endpoints []EndpointOptions) error {
	if o.Policy == nil {
		return errors.New("no policy is given")
	}
	if len(endpoints) == 0 && !o.MayBeEmpty {
		return ErrNoEndpoints
	}
	problems := []error{o.validate()}
	seen := make(map[string]bool, len(endpoints))
	for _, o := range endpoints {
		problems = append(problems, o.validate())
		if seen[o.Name] {
			problems = append(problems, fmt.Errorf("two endpoints are named %q: names are unique in an upstream", o.Name))
		}
		seen[o.Name] = true
	}
	return errors.Join(problems...)
}
