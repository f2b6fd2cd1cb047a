// Answers for all gateways together.

package usage

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// answerAge is how old an answer from the documents of others may be: whoever asks again and again has it made once.
const answerAge = 2 * time.Second

// Gateway is a gateway that an answer is about.
type Gateway struct {
	Name string `json:"name"`
	Self bool   `json:"self"`
	// Age is how old what is known of it is, in seconds, and Hours of how many hours that is; of this gateway all is known at once.
	Age   float64 `json:"age_s"`
	Hours int     `json:"hours"`
	// OwnNames says that it gives users other names than this gateway does: who asked both counts as two.
	OwnNames bool `json:"own_names"`
}

// answered is the use of other gateways in a time. Nobody writes to it once it is made.
type answered struct {
	from, to int64
	at       time.Time
	changes  int

	pane     *Pane
	hours    map[int64]*othersHour
	gateways []theirs
}

// othersHour is what other gateways had in an hour.
type othersHour struct {
	use   *Use
	seen  Distinct // their users
	whole Distinct // and ours
	ours  bool     // whole has ours
}

type theirs struct {
	Gateway
	at time.Time // when it was true
}

// between is the use of others in all hours that have a part of a time.
func (t *together) between(from, to, now time.Time) *answered {
	a := &answered{from: from.Truncate(hourTime).Unix(), to: to.Unix(), at: now, pane: newPane(now), hours: map[int64]*othersHour{}}
	t.mu.Lock()
	if c := t.cache; c != nil && c.from == a.from && c.to == a.to && (c.changes == t.changes || now.Sub(c.at).Abs() < answerAge) {
		t.mu.Unlock()
		return c
	}
	a.changes = t.changes
	var list []place
	for at := range t.kept {
		if at.hour >= a.from && (to.IsZero() || at.hour < a.to) {
			list = append(list, at)
		}
	}
	slices.SortFunc(list, place.compare)
	kept := make([]keptHour, len(list))
	for i, at := range list {
		kept[i] = *t.kept[at]
	}
	t.mu.Unlock()
	byName := map[string]*theirs{}
	for i, at := range list {
		k, hour := &kept[i], time.Unix(at.hour, 0).UTC()
		h, err := unpack(k.body, hour, k.requests)
		if err != nil {
			continue // it was read before it was kept
		}
		a.add(at.hour, h, at.book == t.book)
		if at.book == t.book {
			continue
		}
		g := byName[k.name]
		if g == nil {
			g = &theirs{Gateway: Gateway{Name: k.name}}
			byName[k.name] = g
		}
		g.Hours++
		g.OwnNames = g.OwnNames || k.names != t.sharing.Names
		if k.at.After(g.at) {
			g.at = k.at
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		a.gateways = append(a.gateways, *byName[name])
	}
	a.pane.Users.index() // several may read it at once
	t.mu.Lock()
	t.cache = a
	t.mu.Unlock()
	return a
}

// add adds a document to an answer; of ours only who the users were, as the rest of it is known better.
func (a *answered) add(hour int64, h *HourUse, ours bool) {
	o := a.hours[hour]
	if o == nil {
		o = &othersHour{use: newUse(true)}
		a.hours[hour] = o
	}
	o.whole.merge(&h.Seen)
	if o.ours = o.ours || ours; ours {
		return
	}
	if len(a.pane.Served) == 0 {
		a.pane.From, a.pane.To = h.From, h.To
	}
	a.pane.merge(&h.Pane)
	o.seen.merge(&h.Seen)
	for _, u := range h.Served {
		o.use.merge(u)
	}
}

// merge adds what another has seen.
func (d *Distinct) merge(o *Distinct) {
	if o.Registers == nil {
		return
	}
	if d.Registers == nil {
		d.Registers = make([]byte, registers)
	}
	for i, r := range o.Registers {
		d.Registers[i] = max(d.Registers[i], r)
	}
}

// addOthers adds what other gateways have told of the time of a question.
func (b *Book) addOthers(f *findings, q Question) {
	from := q.From
	if from.IsZero() && q.By != ByHour && !f.exact {
		from = begins(cmp.Or(q.To, q.Now)).Add(-panesKept * paneTime) // as far back as the panes
	}
	a := b.together.between(from, q.To, q.Now)
	if len(a.gateways) > 0 {
		if len(f.pane.Served) == 0 {
			f.pane.From, f.pane.To = a.pane.From, a.pane.To
		}
		f.pane.merge(a.pane)
	}
	f.hours = mergeHours(f.hours, a.hours)
	f.gateways = []Gateway{{Name: b.together.sharing.Name, Self: true}}
	for _, g := range a.gateways {
		g.Age = max(q.Now.Sub(g.at).Seconds(), 0)
		f.gateways = append(f.gateways, g.Gateway)
	}
}

// mergeHours are our hours with those of others.
func mergeHours(ours []*Hour, others map[int64]*othersHour) (all []*Hour) {
	known := map[int64]bool{}
	for _, h := range ours {
		at := h.At.Unix()
		if known[at] = true; others[at] == nil {
			all = append(all, h)
			continue
		}
		o, sum := others[at], &Hour{At: h.At, Users: h.Users}
		sum.merge(&h.Use)
		sum.merge(o.use)
		if sum.Users += o.seen.count(); o.ours {
			sum.Users = o.whole.count()
		}
		all = append(all, sum)
	}
	for at, o := range others {
		if !known[at] && o.use.Requests > 0 {
			h := &Hour{At: time.Unix(at, 0).UTC(), Users: o.seen.count()}
			h.merge(o.use)
			all = append(all, h)
		}
	}
	return all
}
