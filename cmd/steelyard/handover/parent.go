// The new program's side: taking over.

package handover

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"sync"
	"syscall"
	"time"
)

// From is the program that has started this one, to take over from it.
type From struct {
	Sockets []Socket // the descriptors are the caller's to close
	Kept    []Kept   // likewise
	old     *line
	older   []*line
}

// Take returns what the program was started with, or nil if nobody is to be taken over from.
func Take() (*From, error) {
	text, found := os.LookupEnv(variable)
	if !found {
		return nil, nil
	}
	_ = os.Unsetenv(variable)
	var m manifest
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return nil, fmt.Errorf("read %s: %w: it is for steelyard's own use", variable, err)
	}
	next := firstDescriptor
	take := func() int {
		fd := next
		next++
		syscall.CloseOnExec(fd)
		return fd
	}
	f := &From{}
	var err error
	if f.old, err = newLine(take()); err != nil {
		return nil, fmt.Errorf("speak to the old program: %w", err)
	}
	for _, s := range m.Sockets {
		f.Sockets = append(f.Sockets, Socket{Address: s.Address, Foreign: s.Foreign, Descriptor: take()})
	}
	for range m.Older {
		l, err := newLine(take())
		if err != nil {
			return nil, fmt.Errorf("speak to an older program: %w", err)
		}
		f.older = append(f.older, l)
	}
	for _, note := range m.Kept {
		f.Kept = append(f.Kept, Kept{Note: note, Descriptor: take()})
	}
	return f, nil
}

// Ready tells the old program that this one could serve, and waits until it may. If the old one is gone
// it may as well: nobody else has the sockets.
func (f *From) Ready() (Serve, error) {
	if err := f.old.send(message{Kind: ready}); err != nil {
		return Serve{}, nil
	}
	m, err := f.old.receive()
	switch {
	case err != nil:
		return Serve{}, nil
	case m.Kind != serve || m.Serve == nil:
		return Serve{}, fmt.Errorf("the old program said %q and should have said %q", m.Kind, serve)
	}
	return *m.Serve, nil
}

// Close ends the line to the old program, so that nobody waits for it.
func (f *From) Close() { _ = f.old.Close() }

// Serving tells the old program that it may close its listeners.
func (f *From) Serving() { _ = f.old.send(message{Kind: serving}) }

// Older are the programs before this one that have not ended, and what they still do.
type Older struct {
	changed func(processes int, total State)
	none    chan struct{} // closed when all have ended, or nobody listens to them here any more

	mu     sync.Mutex
	left   bool            // nobody listens to them here any more; guarded by mu
	states map[*line]State // guarded by mu
}

// Follow listens to the old programs until they end, from what they said last. changed is told how many
// there are and the sum of their loads, at first now; once at a time.
func (f *From) Follow(s Serve, changed func(processes int, total State)) *Older {
	o := &Older{changed: changed, none: make(chan struct{}), states: map[*line]State{f.old: s.State}}
	for i, l := range f.older {
		o.states[l] = State{}
		if i < len(s.Older) {
			o.states[l] = State{Load: s.Older[i]}
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tell()
	for l := range o.states {
		go o.follow(l)
	}
	return o
}

// tell says how it is now. The caller holds mu.
func (o *Older) tell() {
	all := make([]State, 0, len(o.states))
	for _, one := range o.states {
		all = append(all, one)
	}
	o.changed(len(o.states), sum(all))
}

func (o *Older) follow(l *line) {
	for o.take(l) {
	}
	_ = l.Close()
}

// take waits for the next that a program says, and reports whether there may be more.
func (o *Older) take(l *line) bool {
	m, err := l.receive()
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.left:
		return false
	case err != nil:
		if delete(o.states, l); len(o.states) == 0 {
			close(o.none)
		}
	case m.Kind == load:
		o.states[l] = m.State
	}
	o.tell()
	return err == nil
}

// TellServers tells the old programs what servers there are, when that has changed and now and then if not, until all have
// ended or nobody listens to them here any more. It runs while Follow's hearer does.
func (o *Older) TellServers(of func() Servers) {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	var last Servers
	var at time.Time
	for {
		if now := of(); !reflect.DeepEqual(now, last) || time.Since(at) > tellAgain {
			for _, l := range o.lines() {
				_ = l.send(message{Kind: servers, Servers: now}) // whoever has ended is found out by take
			}
			last, at = now, time.Now()
		}
		select {
		case <-o.none:
			return
		case <-tick.C:
		}
	}
}

// lines are those to programs that have not ended.
func (o *Older) lines() (all []*line) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.left {
		return nil
	}
	return slices.Collect(maps.Keys(o.states))
}

// Leave stops to listen: the next program does.
func (o *Older) Leave() {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.left && len(o.states) > 0 {
		close(o.none)
	}
	o.left = true
	for l := range o.states {
		_ = l.Close()
	}
}

// copies are the lines, and a descriptor of each for the next program.
func (o *Older) copies() (lines []*line, fds []int) {
	if o == nil {
		return nil, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for l := range o.states {
		if fd, err := l.copyOf(); err == nil {
			lines, fds = append(lines, l), append(fds, fd)
		}
	}
	return lines, fds
}

// loadsOf are the last loads that were told on lines.
func (o *Older) loadsOf(lines []*line) (all []Load) {
	if o == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range lines {
		all = append(all, o.states[l].Load)
	}
	return all
}
