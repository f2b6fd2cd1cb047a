// The actuator: orders carried out by the engine.

package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// Actuator runs the replicas of one upstream. It is an autoscale.Actuator.
type Actuator struct {
	upstream string
	engine   *engine
	events   *event.Log
	ending   sync.WaitGroup    // containers that are stopped
	answered autoscale.Settled // orders

	ordering sync.Mutex // one order at a time

	mu       sync.Mutex // guards the fields below
	settings Settings
	wanted   int             // by the last order; -1: none yet
	stopping map[string]bool // IDs of containers that are being stopped
	ports    autoscale.Ports
}

// New makes an actuator. The engine is asked nothing before Run, Count or Scale.
func New(upstream, socket string, s Settings, events *event.Log) *Actuator {
	return &Actuator{
		upstream: upstream, engine: newEngine(socket), events: events, settings: s, wanted: -1, stopping: map[string]bool{},
	}
}

// Socket is the engine's.
func (a *Actuator) Socket() string { return a.engine.socket }

// Configure takes over other settings, for containers that are created from now on.
func (a *Actuator) Configure(s Settings) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.settings = s
}

func (a *Actuator) filters(more map[string][]string) url.Values {
	all := map[string][]string{"label": {labelUpstream + "=" + a.upstream}}
	for key, values := range more {
		all[key] = values
	}
	text, _ := json.Marshal(all) // of strings: it cannot fail
	return url.Values{"filters": {string(text)}}
}

// list is all our containers, by slot, whoever has created them.
func (a *Actuator) list(ctx context.Context) (all []container, err error) {
	a.mu.Lock()
	before := maps.Clone(a.stopping) // one of them may be gone when the answer comes, and still be in it
	a.mu.Unlock()
	query := a.filters(nil)
	query.Set("all", "true")
	var answer []listed
	if err := a.engine.call(ctx, http.MethodGet, "/containers/json", query, nil, &answer); err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	for _, l := range answer {
		if c, ok := ours(l); ok {
			c.stopping = before[l.ID]
			all = append(all, c)
		}
	}
	bySlot(all)
	return all, nil
}

// Count is what the engine says.
func (a *Actuator) Count(ctx context.Context) (autoscale.Count, error) {
	all, err := a.list(ctx)
	if err != nil {
		return autoscale.Count{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	c := autoscale.Count{Wanted: a.wanted, Replicas: []autoscale.Replica{}}
	for i := range all {
		r := all[i].replica(a.upstream, all[i].stopping || a.stopping[all[i].ID])
		if r.State == autoscale.Starting || r.State == autoscale.Running {
			c.Running++
		}
		c.Replicas = append(c.Replicas, r)
	}
	if a.wanted < 0 { // of the gateway before this one
		c.Wanted = len(a.staying(all))
	}
	return c, nil
}

// staying are those that nobody has asked to end. The caller holds mu.
func (a *Actuator) staying(all []container) []container {
	return slices.DeleteFunc(slices.Clone(all), func(c container) bool { return c.stopping || a.stopping[c.ID] || c.ends() })
}

// Scale brings about that there are that many.
func (a *Actuator) Scale(ctx context.Context, o autoscale.Order) error {
	a.ordering.Lock()
	defer a.ordering.Unlock()
	a.mu.Lock()
	most := a.settings.Most
	a.mu.Unlock()
	if settled, said := a.answered.Said(o.ID); settled {
		return said
	}
	if err := o.Check(most); err != nil {
		return err
	}
	all, err := a.list(ctx)
	if err != nil {
		return err
	}
	rest := a.shrink(all, o)
	if err := a.grow(ctx, all, o.To); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wanted = o.To + rest
	a.answered.Add(o.ID, nil)
	return o.Left(rest)
}

// shrink stops what may be stopped of those that are too many, and says how many more are too many.
func (a *Actuator) shrink(all []container, o autoscale.Order) (rest int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	stay := a.staying(all)
	over := len(stay) - o.To
	stop := func(c container, why string) {
		if over > 0 && !a.stopping[c.ID] {
			over--
			a.stopping[c.ID] = true
			a.ending.Go(func() { a.remove(c, why) })
		}
	}
	for _, c := range slices.Backward(stay) { // those that do not run harm nobody, the newest first
		if c.State != "running" && c.State != "created" {
			stop(c, "it is no longer wanted")
		}
	}
	for _, name := range o.Victims {
		for _, c := range stay {
			if autoscale.NameOf(a.upstream, c.slot) == name {
				stop(c, o.Reason)
			}
		}
	}
	return max(over, 0)
}

// remove stops a container, in good order while its time lasts, and removes it.
func (a *Actuator) remove(c container, why string) {
	a.mu.Lock()
	within := a.settings.StopTimeout
	a.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), within+callTime)
	defer cancel()
	query := url.Values{"t": {strconv.Itoa(int(within.Round(time.Second) / time.Second))}}
	err := a.engine.call(ctx, http.MethodPost, "/containers/"+c.ID+"/stop", query, nil, nil)
	if err == nil || is(err, http.StatusNotModified) || is(err, http.StatusNotFound) {
		err = a.engine.call(ctx, http.MethodDelete, "/containers/"+c.ID, url.Values{"force": {"true"}, "v": {"true"}}, nil, nil)
	}
	if is(err, http.StatusNotFound) || is(err, http.StatusConflict) { // it is gone, or being removed
		err = nil
	}
	if err != nil {
		a.tell(event.ReplicaFailed, c.slot, "it could not be stopped: "+err.Error(), "it is tried again with the next order", map[string]any{"container": c.ID})
	} else {
		a.tell(event.ReplicaEnded, c.slot, why, "", map[string]any{"container": c.ID, "port": c.port})
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.stopping, c.ID)
}

// grow starts what was created and not started, and creates what is missing.
func (a *Actuator) grow(ctx context.Context, all []container, to int) error {
	a.mu.Lock()
	stay, settings := a.staying(all), a.settings
	a.mu.Unlock()
	slots, used := map[int]bool{}, map[int]bool{}
	for _, c := range all {
		slots[c.slot], used[c.port] = true, true
	}
	for _, c := range stay {
		if c.State == "created" || c.State == "exited" { // a gateway was killed before it could, or somebody has stopped it
			if err := a.begin(ctx, c.ID, c.slot, c.port); err != nil {
				return err
			}
		}
	}
	here := len(stay)
	for slot := 0; slot < settings.Most && here < to; slot++ {
		if slots[slot] {
			continue
		}
		port := a.port(&settings, slot, used)
		if port == 0 {
			return fmt.Errorf("no port from %d to %d is free", settings.First, settings.Last)
		}
		used[port] = true
		if err := a.create(ctx, &settings, slot, port); err != nil {
			return err
		}
		here++
	}
	if here < to {
		return errors.New("servers that end have the last places: ask again")
	}
	return nil
}

// create creates a container and starts it.
func (a *Actuator) create(ctx context.Context, s *Settings, slot, port int) error {
	body, err := s.body(a.upstream, slot, port)
	if err != nil {
		return &autoscale.Refused{Reason: err.Error()}
	}
	var made struct {
		ID string `json:"Id"`
	}
	err = a.engine.call(ctx, http.MethodPost, "/containers/create", url.Values{"name": {containerName(a.upstream, slot)}}, body, &made)
	switch {
	case is(err, http.StatusConflict): // another gateway was first, or a container that is no longer ours has the name
		return fmt.Errorf("create container %s: %w", containerName(a.upstream, slot), err)
	case is(err, http.StatusNotFound):
		return &autoscale.Refused{Reason: fmt.Sprintf("the image %s is not on this machine: docker pull %s", s.Image, s.Image)}
	case is(err, http.StatusBadRequest):
		return &autoscale.Refused{Reason: "create a container: " + err.Error()}
	case err != nil:
		return fmt.Errorf("create a container: %w", err)
	}
	return a.begin(ctx, made.ID, slot, port)
}

func (a *Actuator) begin(ctx context.Context, id string, slot, port int) error {
	if err := a.engine.call(ctx, http.MethodPost, "/containers/"+id+"/start", nil, nil, nil); err != nil {
		a.tell(event.ReplicaFailed, slot, "its container could not be started: "+err.Error(), "", map[string]any{"container": id, "port": port})
		return fmt.Errorf("start a container: %w", err)
	}
	a.tell(event.ReplicaStarted, slot, "", "its probes say when it is ready", map[string]any{"container": id, "port": port})
	return nil
}

// port is a free one for a slot. 0: there is none.
func (a *Actuator) port(s *Settings, slot int, used map[int]bool) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ports.Choose(s.First, s.Last, slot, used, func(port int) {
		a.tell(event.PortTaken, slot, "somebody else listens there", "another port is used", map[string]any{"port": port})
	})
}

func (a *Actuator) tell(kind event.Kind, slot int, cause, action string, evidence map[string]any) {
	a.events.Publish(event.Event{Kind: kind, Upstream: a.upstream, Endpoint: autoscale.NameOf(a.upstream, slot), Cause: cause, Action: action, Evidence: evidence})
}

// Close waits for containers that are being stopped, until ctx ends. The others go on.
func (a *Actuator) Close(ctx context.Context) error {
	ended := make(chan struct{})
	go func() {
		a.ending.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	a.engine.http.CloseIdleConnections()
	return nil
}
