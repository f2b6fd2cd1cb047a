// Recommendations: what they go by, and how they are applied.

package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/advice"
	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/metrics/forecast"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
	"github.com/steelyard-proxy/steelyard/proxy/admin"
)

// AdviceSetup is what an advisor is told of a configuration. Of upstreams whose endpoints are found only a running gateway
// knows those: they are left out, by name.
func AdviceSetup(cfg *configs.Config) (list []advice.Upstream, leftOut []string) {
	for _, u := range cfg.Upstreams {
		if u.Discovery != nil {
			leftOut = append(leftOut, u.Name)
			continue
		}
		list = append(list, adviceUpstream(u))
	}
	return list, leftOut
}

func adviceUpstream(u configs.Upstream) advice.Upstream {
	to := advice.Upstream{Name: u.Name, Policy: u.Policy, Queue: advice.Queue{
		Order: u.Queue.Order, MaxRequests: u.Queue.MaxRequests, MaxWait: u.Queue.MaxWait, HoldBack: u.Queue.HoldBack,
	}}
	for _, e := range u.Endpoints {
		to.Endpoints = append(to.Endpoints, advice.Endpoint{
			Name: e.Name, Capacity: e.Capacity.Value, AutoCapacity: e.Capacity.Auto, Slots: e.Slots.Value, AutoSlots: e.Slots.Auto, Tier: e.Tier,
		})
	}
	return to
}

// AdviceEdits are what an advice changes in a configuration.
func AdviceEdits(a *advice.Advice) (list []configs.Edit) {
	for _, c := range a.Changes {
		list = append(list, configs.Edit(c))
	}
	return list
}

// AdviceDiff is the unified diff of a configuration that makes the change; "" where there is none. Where the text cannot be
// changed in so small a way the reason stands in its place, as a comment.
func AdviceDiff(name string, text []byte, a *advice.Advice) string {
	if a.Status != advice.Advised || len(a.Changes) == 0 {
		return ""
	}
	edited, err := configs.Edited(name, text, AdviceEdits(a))
	if err != nil {
		return "# " + err.Error() + "\n"
	}
	return configs.Diff(name, text, edited)
}

// AdviceForecast is an outlook on the work of an upstream as an advisor takes it.
func AdviceForecast(o forecast.Outlook) advice.Forecast {
	f := advice.Forecast{Enough: o.Known}
	for _, p := range o.Points {
		f.Points = append(f.Points, advice.Point{At: p.At, P50: p.P50, P95: p.P95})
	}
	return f
}

// setups are the upstreams as they are now: what is measured has the value that is in force. Of endpoints that are found nothing is
// advised that the file would have to say of each; and whenever others are found what was recorded begins anew.
func (f *fleet) setups() (list []advice.Upstream) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, u := range f.upstreams {
		setup := adviceUpstream(u.config)
		for _, m := range u.members {
			if m.want.source != "" && m.asked == "" && m.want.departing == "" {
				setup.Endpoints = append(setup.Endpoints, advice.Endpoint{
					Name: m.name, Capacity: m.rating.Capacity, AutoCapacity: true, Slots: m.rating.Slots, AutoSlots: true, Tier: m.want.tier,
				})
			}
		}
		for i := range setup.Endpoints {
			e := &setup.Endpoints[i]
			for _, m := range u.members {
				if m.name != e.Name {
					continue
				}
				if e.AutoCapacity {
					e.Capacity = m.rating.Capacity
				}
				if e.AutoSlots {
					e.Slots = m.rating.Slots
				}
			}
		}
		list = append(list, setup)
	}
	return list
}

// advising is the advisor of a running gateway.
type advising struct {
	app     *App
	text    func() (name string, text []byte, err error) // of the configuration; nil: it has no file
	advisor *advice.Advisor
	apply   *advice.Governor

	off atomic.Bool // nobody asks for recommendations; written by step

	mu       sync.Mutex // one change at a time
	thinking sync.Mutex // one step at a time
}

func newAdvising(a *App, replay advice.Replay, text func() (string, []byte, error)) *advising {
	w := &advising{app: a, text: text, apply: advice.NewGovernor()}
	w.advisor = advice.New(advice.Options{Replay: replay, Told: w.told})
	w.off.Store(a.config.Optimise == configs.OptimiseOff)
	return w
}

// mode is optimise, as it is configured now.
func (w *advising) mode() string { return w.app.Config().Optimise }

// add hears of finished requests.
func (w *advising) add(rows []usage.Row) {
	if w.off.Load() {
		return
	}
	w.advisor.AddAll(rows)
	w.apply.Add(rows)
}

// told publishes what is advised anew.
func (w *advising) told(a advice.Advice) {
	e := event.Event{Kind: event.Advised, Upstream: a.Upstream, Endpoint: a.Endpoint, Cause: a.Text, Evidence: map[string]any{"id": a.ID, "kind": string(a.Kind), "n": a.N}}
	if a.Effect != nil {
		e.Evidence["r_ratio"], e.Evidence["by"] = a.Effect.Ratio, a.Effect.By
	}
	w.app.events.Publish(e)
}

// run thinks now and then until ctx ends.
func (w *advising) run(ctx context.Context) error {
	w.advisor.Configure(w.app.fleet.setups())
	last := time.Now()
	return every(ctx, time.Minute, func(now time.Time) {
		think := now.Sub(last) >= advice.Every
		if think {
			last = now
		}
		w.step(now, think)
	})
}

// step thinks, where it is time to, and takes the steps that it may.
func (w *advising) step(now time.Time, think bool) {
	w.thinking.Lock()
	defer w.thinking.Unlock()
	mode := w.mode()
	w.off.Store(mode == configs.OptimiseOff)
	if mode == configs.OptimiseOff {
		w.advisor.Configure(nil)
		return
	}
	w.advisor.Configure(w.app.fleet.setups())
	if think {
		w.foresee()
		w.advisor.Step(now)
	}
	if mode != configs.OptimiseApply {
		return
	}
	for _, act := range w.apply.Step(now, w.advisor.Advice(), w.current) {
		w.act(act)
	}
}

// foresee tells the advisor what traffic is foreseen, where that is known.
func (w *advising) foresee() {
	if w.app.analysis == nil || w.app.analysis.forecast == nil {
		return
	}
	for _, u := range w.app.analysis.forecast.Outlooks() {
		w.advisor.Foresee(u.Upstream, AdviceForecast(u.Work))
	}
}

// current is the value of a key that the governor may change.
func (w *advising) current(c advice.Change) (value float64, ok bool) {
	for _, u := range w.app.Config().Upstreams {
		for _, e := range u.Endpoints {
			if u.Name != c.Upstream || e.Name != c.Endpoint {
				continue
			}
			switch c.Key {
			case "capacity":
				return e.Capacity.Value, !e.Capacity.Auto
			case "slots":
				return float64(e.Slots.Value), !e.Slots.Auto
			}
		}
	}
	return 0, false
}

// act takes one step of the governor's, and tells of it.
func (w *advising) act(act advice.Act) {
	var edits []configs.Edit
	said, evidence := "", map[string]any{"advice": act.Advice}
	e := event.Event{Kind: event.Optimised, Upstream: act.Upstream, Cause: act.Why, Evidence: evidence}
	for i, m := range act.Moves {
		edits = append(edits, configs.Edit(m.Change))
		if i > 0 {
			said += ", "
		}
		said += fmt.Sprintf("%s of %s is %s from now on, and was %s", m.Key, m.Endpoint, m.Value, strconv.FormatFloat(m.From, 'g', 6, 64))
	}
	if e.Action = said; len(act.Moves) == 1 {
		e.Endpoint = act.Moves[0].Endpoint
		evidence["key"], evidence["from"], evidence["to"] = act.Moves[0].Key, act.Moves[0].From, act.Moves[0].To
	}
	if act.Back {
		e.Kind = event.OptimiseUndone
		evidence["r_before_s"], evidence["r_after_s"] = act.Before, act.After
	}
	if err := w.change(edits); err != nil {
		w.app.log.Error("a recommendation could not be applied", zap.String("advice", act.Advice), zap.Error(err))
		return
	}
	w.app.events.Publish(e)
}

// change puts other values in force, until the configuration is read again.
func (w *advising) change(edits []configs.Edit) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := w.app.Config()
	text, err := was.YAML()
	if err != nil {
		return err
	}
	edited, err := configs.Edited("the configuration in force", text, edits)
	if err != nil {
		return err
	}
	cfg, err := configs.Parse("the configuration in force", edited, nil)
	if err != nil {
		return err
	}
	return w.app.adjust(was, cfg)
}

// adjust puts cfg, which was made from another, in force as a reload does, but is told of by whoever asked for it.
func (a *App) adjust(was, cfg *configs.Config) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.config != was {
		return errors.New("the configuration was read again meanwhile: look at the advice again")
	}
	g, err := a.prepare(cfg)
	if err != nil {
		return err
	}
	a.webhooks.adopt(g.webhooks)
	a.fleet.adopt(g)
	a.handler.Use(g.rules)
	a.config = cfg
	return nil
}

// Advice implements admin.Advisor.
func (w *advising) Advice() (list []advice.Advice, on bool) {
	if w.mode() == configs.OptimiseOff {
		return nil, false
	}
	name, text, err := w.configuration()
	list = w.advisor.Advice()
	for i := range list {
		if err == nil {
			list[i].Diff = AdviceDiff(name, text, &list[i])
		}
	}
	return list, true
}

// configuration is the text that diffs are of: that of the file, or of what is in force where there is no file.
func (w *advising) configuration() (name string, text []byte, err error) {
	if w.text != nil {
		return w.text()
	}
	text, err = w.app.Config().YAML()
	return "steelyard.yaml", text, err
}

var errNoChange = errors.New("it changes nothing that the gateway can change while it runs: see its text")

// Apply implements admin.Advisor: it makes the change of an advice for as long as the configuration is not read again.
func (w *advising) Apply(id string) (a advice.Advice, err error) {
	for _, a := range w.advisor.Advice() {
		if a.ID != id {
			continue
		}
		if a.Status != advice.Advised || len(a.Changes) == 0 {
			return a, admin.NotApplicable{Err: errNoChange}
		}
		if err := w.change(AdviceEdits(&a)); err != nil {
			return a, admin.NotApplicable{Err: err}
		}
		w.app.events.Publish(event.Event{Kind: event.Optimised, Upstream: a.Upstream, Endpoint: a.Endpoint, Cause: a.Text,
			Action: "applied by an operator until the configuration is read again: " + changesOf(&a), Evidence: map[string]any{"advice": a.ID}})
		return a, nil
	}
	return a, admin.ErrNoAdvice
}

func changesOf(a *advice.Advice) (text string) {
	for i, c := range a.Changes {
		if i > 0 {
			text += ", "
		}
		text += c.Key + " " + c.Value
	}
	return text
}
