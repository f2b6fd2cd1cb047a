// What outlives the process: what receivers were told, what waits for them, and the silences.

package dispatch

import (
	"encoding/json"
	"fmt"
	"time"
)

// section is ours in the Store.
const section = "notify"

// kept is the state as it is written.
type kept struct {
	Version   int                      `json:"version"`
	Silences  []*Silence               `json:"silences,omitempty"`
	Receivers map[string]*keptReceiver `json:"receivers,omitempty"` // by name
}

type keptReceiver struct {
	Groups []*group             `json:"groups,omitempty"`
	Known  map[string]time.Time `json:"known,omitempty"` // to a receiver with mirrors, by fingerprint
}

// heavy is how long it takes to write a state down that is not written for each message.
const heavy = 5 * time.Millisecond

// version is of the form. One that we do not know is left unread, and replaced.
const version = 1

// Begin reads what was kept, once. Run and Step call it.
func (d *Dispatcher) Begin() {
	d.mu.Lock()
	err := d.read()
	d.mu.Unlock()
	if err != nil {
		d.problem(err)
	}
}

// read is Begin. The caller holds mu.
func (d *Dispatcher) read() error {
	if d.kept != nil {
		return nil
	}
	d.kept = &kept{}
	if d.Store == nil {
		return nil
	}
	text := d.Store.Get(section)
	if len(text) == 0 {
		return nil
	}
	var found kept
	if err := json.Unmarshal(text, &found); err != nil {
		return fmt.Errorf("read what receivers were told: %w: they are told anew", err)
	}
	if found.Version != version {
		return fmt.Errorf("what receivers were told is of version %d, and this is %d: they are told anew", found.Version, version)
	}
	d.kept = &found
	now := d.now()
	for _, s := range found.Silences {
		if s != nil && s.EndsAt.After(now) {
			d.silences = append(d.silences, s)
		}
	}
	d.restore()
	return nil
}

// restore gives receivers what was kept of them. The caller holds mu.
func (d *Dispatcher) restore() {
	if d.kept == nil {
		return
	}
	now := d.now()
	for _, f := range d.flows {
		if k := d.kept.Receivers[f.Name]; k != nil {
			for _, g := range k.Groups {
				f.restore(g, now)
			}
			delete(d.kept.Receivers, f.Name)
		}
	}
	for _, m := range d.mirrors {
		if k := d.kept.Receivers[m.Name]; k != nil {
			for key, began := range k.Known {
				m.known[key] = began
			}
			delete(d.kept.Receivers, m.Name)
		}
	}
}

// restore takes a group over. Times from the future come of a clock that was set back.
func (f *flow) restore(g *group, now time.Time) {
	if g == nil || g.Entries == nil {
		return
	}
	for key, e := range g.Entries {
		if e == nil || e.Alert.Fingerprint() != key {
			delete(g.Entries, key) // of another version's making
			continue
		}
		e.seen = now
	}
	if g.SentAt.After(now) {
		g.SentAt = now
	}
	if g.Waiting.After(now) {
		g.Waiting = now
	}
	if !g.Waiting.IsZero() {
		g.due = now // its message is made again at the first step, without another wait
	}
	g.look = true
	f.groups[groupKey{g.Name, g.Upstream}] = g
}

// save keeps the state if it has changed. Nobody waits for it who must not. What is not now may wait for the next
// step, where so much is kept that writing it for each message would be a burden.
func (d *Dispatcher) save(now bool) {
	d.saving.Lock()
	defer d.saving.Unlock()
	if !now && time.Now().Before(d.rested) {
		return
	}
	d.mu.Lock()
	if !d.dirty || d.Store == nil || d.kept == nil {
		d.mu.Unlock()
		return
	}
	d.dirty = false
	began := time.Now()
	text, err := json.Marshal(d.state())
	d.mu.Unlock()
	if took := time.Since(began); took > heavy {
		d.rested = time.Now().Add(20 * took)
	}
	if err == nil {
		err = d.Store.Put(section, text)
	}
	if err != nil {
		d.mu.Lock()
		d.dirty = true
		d.mu.Unlock()
		if !d.unkept { // once: it is tried each second
			d.problem(fmt.Errorf("keep what receivers were told: %w", err))
		}
	}
	d.unkept = err != nil
}

// state is what is kept. The caller holds mu.
func (d *Dispatcher) state() *kept {
	k := &kept{Version: version, Silences: d.silences, Receivers: map[string]*keptReceiver{}}
	for _, f := range d.flows {
		r := &keptReceiver{}
		for _, g := range f.groups {
			r.Groups = append(r.Groups, g)
			if g.message != nil {
				g.message.kept = true
			}
		}
		k.Receivers[f.Name] = r
	}
	for _, m := range d.mirrors {
		k.Receivers[m.Name] = &keptReceiver{Known: m.known}
	}
	return k
}

func (d *Dispatcher) problem(err error) {
	if d.Problem != nil {
		d.Problem(err)
	}
}
