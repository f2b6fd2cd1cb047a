package alert

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// doer notes what it is told to do.
type doer struct {
	said []string
	err  error
}

func (d *doer) Act(a *Action, of *Alert) (string, error) {
	if d.err != nil {
		return "", d.err
	}
	d.said = append(d.said, a.Do.String()+" "+of.Endpoint)
	return "done", nil
}

func (d *doer) Undo(a *Action, of *Alert) { d.said = append(d.said, "end of "+a.Do.String()) }

func kinds(log *event.Log) (list []string) {
	events, _ := log.Since(0)
	for _, e := range events {
		list = append(list, e.Kind.String())
	}
	return list
}

func TestActionsAreBounded(t *testing.T) {
	d, log := &doer{}, event.NewLog(nil)
	x := NewActions(d, log)
	x.Configure([]Action{{Name: "out", Alert: "down", Do: Drain, Every: 10 * time.Minute, Limit: 2}, {Name: "more", Alert: "other", Do: Scale, Every: time.Minute, Limit: 9, Step: 1}})
	fire := func(endpoint string, after time.Duration) {
		x.Hear(epoch.Add(after), Alert{Name: "down", Upstream: "chat", Endpoint: endpoint, State: Firing})
	}
	fire("a", 0)
	fire("a", 5*time.Minute)
	assert.Equal(t, []string{"drain a"}, d.said, "once in ten minutes for the same endpoint")
	fire("b", 6*time.Minute)
	fire("c", 7*time.Minute)
	assert.Equal(t, []string{"drain a", "drain b"}, d.said, "twice within an hour")
	fire("c", 61*time.Minute)
	assert.Equal(t, []string{"drain a", "drain b", "drain c"}, d.said)
	assert.Equal(t, []string{"action_taken", "action_failed", "action_taken", "action_failed", "action_taken"}, kinds(log))
	x.Hear(epoch, Alert{Name: "down", Endpoint: "z", State: Firing, Flapping: true})
	x.Hear(epoch, Alert{Name: "down", Endpoint: "z", State: Inactive})
	require.Len(t, kinds(log), 5, "neither flapping nor an end is acted on")
	x.Hear(epoch, Alert{Name: "other", Upstream: "chat", State: Firing})
	assert.Equal(t, "scale_asked", kinds(log)[5])
}

func TestADryRunDoesNothing(t *testing.T) {
	d, log := &doer{}, event.NewLog(nil)
	x := NewActions(d, log)
	for do := range Do(len(doNames)) {
		x.Configure([]Action{{Name: "x", Alert: "down", Do: do, DryRun: true, Limit: 10}})
		x.Hear(epoch, Alert{Name: "down", Upstream: "chat", Endpoint: "a", State: Firing})
		x.Hear(epoch, Alert{Name: "down", Upstream: "chat", Endpoint: "a", State: Inactive})
	}
	assert.Empty(t, d.said)
	assert.Equal(t, []string{"would_act", "would_act", "would_act", "would_act"}, kinds(log))
}

func TestSheddingEnds(t *testing.T) {
	shed := Action{Name: "shed", Alert: "long", Do: Shed, Limit: 10, Most: 10 * time.Minute}
	firing := Alert{Name: "long", Upstream: "chat", State: Firing}
	over := firing
	over.State = Inactive
	for name, end := range map[string]func(x *Actions){
		"with its alert":    func(x *Actions) { x.Hear(epoch.Add(time.Minute), over) },
		"after its time":    func(x *Actions) { x.Step(epoch.Add(10 * time.Minute)) },
		"with its rule":     func(x *Actions) { x.Configure(nil) },
		"with other bounds": func(x *Actions) { c := shed; c.Below = 9; x.Configure([]Action{c}) },
	} {
		d := &doer{}
		x := NewActions(d, nil)
		x.Configure([]Action{shed})
		x.Hear(epoch, firing)
		x.Step(epoch.Add(9 * time.Minute))
		x.Configure([]Action{shed})
		require.Equal(t, []string{"shed "}, d.said, name)
		end(x)
		end(x)
		assert.Equal(t, []string{"shed ", "end of shed"}, d.said, name)
	}
}

func TestWhatFailedIsTold(t *testing.T) {
	d, log := &doer{err: errors.New("no such endpoint")}, event.NewLog(nil)
	x := NewActions(d, log)
	x.Configure([]Action{{Name: "out", Alert: "down", Do: Drain, Limit: 2}})
	x.Hear(epoch, Alert{Name: "down", Endpoint: "a", State: Firing})
	events, _ := log.Since(0)
	require.Len(t, events, 1)
	assert.Equal(t, []any{event.ActionFailed, "nothing: no such endpoint"}, []any{events[0].Kind, events[0].Action})
}
