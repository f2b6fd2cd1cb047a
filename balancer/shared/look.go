// What is told to those around, after each beat.

package shared

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// page is our page now.
func (g *Gateway) page(now time.Time, own Own, leaves bool) []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seq++
	p := page{Form: form, Name: g.Name, Epoch: g.Epoch, Seq: g.seq, Load: own.Load, Under: own.Under, Waits: own.Waits, Starves: milliseconds(g.room.Starves(now, &own)), Fence: g.highest}
	if leaves {
		p.Load, p.Under, p.Waits, p.Starves, p.Leaves = nil, 0, nil, nil, true
	} else {
		p.Leases = g.claims(now)
		for _, l := range g.leases {
			if l.vote != "" {
				if p.Votes == nil {
					p.Votes = map[string]string{}
				}
				p.Votes[l.name] = l.vote
			}
		}
	}
	text, err := json.Marshal(p)
	if err != nil {
		panic("BUG: a page that is no JSON: " + err.Error())
	}
	return text
}

func milliseconds(times map[string]time.Duration) map[string]int64 {
	ms := make(map[string]int64, len(times))
	for key, t := range times {
		ms[key] = t.Milliseconds()
	}
	return ms
}

// settle notes whether the others could be reached, and tells when that changes. At a start that goes well nothing
// has changed.
func (g *Gateway) settle(err error, now time.Time) {
	g.mu.Lock()
	alone := g.touched.IsZero()
	switch {
	case err == nil:
		g.asked, g.cause = now, ""
		if alone {
			g.touched = now
		}
	case g.breaker.Open() || alone:
		g.touched, g.cause = time.Time{}, err.Error()
	}
	was := g.apart
	g.apart = err != nil && (was || g.breaker.Open())
	is := g.apart
	g.mu.Unlock()
	switch {
	case was && !is:
		g.Tell(News{What: Together})
	case is && !was:
		g.Tell(News{What: Alone, Cause: err.Error()})
	}
}

// lookAround tells what the others have together, who came and went, and which leases are ours. It reports
// whether anything has changed since the last time, ours or theirs.
func (g *Gateway) lookAround(ctx context.Context, b *beats) bool {
	now := time.Now()
	for _, id := range g.members.sweep(now) {
		if g.Connected() {
			g.Transport.Forget(ctx, id)
		}
	}
	slots := g.Options.Slots()
	sum := g.members.sum(now, func(address string) (int64, bool) { n, known := slots[address]; return n, known })
	own := g.Options.Own()
	starving := g.members.starving(now, g.room.patience)
	sum.Left = g.room.Leave(now, &sum, &own, slots, starving)
	g.Elsewhere(sum)
	g.tellChanges(now)
	was := b.state
	b.state = fmt.Sprint(sum, own)
	return b.state != was || len(starving) > 0
}

// tellChanges tells who came and went, and which leases are ours.
func (g *Gateway) tellChanges(now time.Time) {
	var news []News
	known, names := map[string]bool{}, map[string]int{g.Name: 1}
	g.members.mu.Lock()
	for _, m := range g.members.live(now) {
		known[m.page.id()] = true
		names[m.page.Name]++
	}
	g.members.mu.Unlock()
	g.mu.Lock()
	if !g.touched.IsZero() {
		g.most = len(known) + 1
	}
	for id := range known {
		if !g.known[id] {
			news = append(news, News{What: Came, Name: nameOf(id)})
		}
	}
	for id := range g.known {
		if !known[id] && names[nameOf(id)] == 0 {
			news = append(news, News{What: Went, Name: nameOf(id)})
		}
	}
	for name, n := range names {
		if n > 1 && !g.twice[name] {
			news = append(news, News{What: Twice, Name: name})
		}
		g.twice[name] = n > 1
	}
	maps.DeleteFunc(g.twice, func(name string, _ bool) bool { return names[name] == 0 })
	for _, l := range g.leases {
		if held := l.held(now); held != g.acting[l.name] {
			g.acting[l.name] = held
			what := Rests
			if held {
				what = Acts
			}
			news = append(news, News{What: what, Name: l.name})
		}
	}
	g.known = known
	g.mu.Unlock()
	for _, n := range news {
		g.Tell(n)
	}
}

func nameOf(id string) string {
	for i := len(id) - 1; i >= 0; i-- {
		if id[i] == '@' {
			return id[:i]
		}
	}
	return id
}

// tellFacts tells what changes slowly, and hears that of the others.
func (g *Gateway) tellFacts(ctx context.Context) {
	texts, err := g.Transport.Exchange(ctx, Facts, g.id, g.Options.Facts())
	for id, text := range texts {
		if id != g.id && len(text) <= MostPage {
			g.members.tell(id, text)
		}
	}
	if err != nil {
		g.breaker.Settle(true, time.Now())
		return
	}
	if g.Heard == nil {
		return
	}
	facts := map[string][]byte{}
	g.members.mu.Lock()
	for _, m := range g.members.live(time.Now()) {
		if m.facts != nil {
			facts[m.page.id()] = m.facts
		}
	}
	g.members.mu.Unlock()
	g.Heard(facts)
}

// leave takes leave of the others: they need not wait until we are forgotten.
func (g *Gateway) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), Fresh)
	defer cancel()
	if !g.breaker.Open() {
		for _, l := range g.leases {
			g.mu.Lock()
			held := l.held(time.Now())
			l.until = time.Time{}
			g.mu.Unlock()
			if held && g.keeper != nil {
				_ = g.keeper.Drop(ctx, l.name, g.id) // else it runs out
			}
		}
		_, _ = g.Transport.Exchange(ctx, Load, g.id, g.page(time.Now(), Own{}, true))
		_ = g.Transport.Leave(ctx, g.id)
	}
	g.Elsewhere(Sum{Load: map[string]int64{}, Waits: map[string]int64{}})
}

// Connected says whether the others can be reached.
func (g *Gateway) Connected() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.touched.IsZero()
}

// Count is how many gateways there are, this one included: while the others cannot be reached, as many as there were last.
func (g *Gateway) Count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.most
}

// State is what people are shown.
type State struct {
	Name, ID  string
	Connected bool
	Since     time.Time         // when the others were reached first, without a break; zero: they cannot be
	Reached   time.Time         // when they were last
	Cause     string            // why they cannot be reached
	Leases    map[string]uint64 // that we have, with their fences
	Others    []Other
}

// Other is another gateway, as people are shown it.
type Other struct {
	Name, ID string
	Since    time.Time
	Age      time.Duration // of what it has told
	Weight   float64       // how much of it counts
	InFlight int64
	Under    int64
	Waiting  int64
	Leases   map[string]uint64
}

// State is how things are now.
func (g *Gateway) State() State {
	now := time.Now()
	g.mu.Lock()
	s := State{Name: g.Name, ID: g.id, Connected: !g.touched.IsZero(), Since: g.touched, Reached: g.asked, Cause: g.cause, Leases: map[string]uint64{}}
	for _, c := range g.claims(now) {
		s.Leases[c.Name] = c.Fence
	}
	g.mu.Unlock()
	g.members.mu.Lock()
	defer g.members.mu.Unlock()
	for _, m := range g.members.live(now) {
		o := Other{Name: m.page.Name, ID: m.page.id(), Since: m.since, Age: now.Sub(m.heard), Weight: m.weight(now), Under: m.page.Under, Leases: map[string]uint64{}}
		for _, n := range m.page.Load {
			o.InFlight += n
		}
		for _, n := range m.page.Waits {
			o.Waiting += n
		}
		for _, c := range m.page.Leases {
			o.Leases[c.Name] = c.Fence
		}
		s.Others = append(s.Others, o)
	}
	return s
}
