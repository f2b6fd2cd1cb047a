// Pauses of scaling, which outlive the process.

package app

import (
	"encoding/json"
	"maps"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/metrics/alert"
)

// pausesSection is where alerts.state_file keeps them.
const pausesSection = "scale_paused"

// pauses are the upstreams whose servers nobody starts or stops until they are resumed, and why. An upstream that is away for a
// while, by a reload, comes back paused. The fleet's mu guards it.
type pauses struct {
	by    map[string]string
	store *alert.Store // nil: they are not kept
}

// restorePauses takes up the pauses of an earlier process. Call it before Run.
func (f *fleet) restorePauses(store *alert.Store) {
	var by map[string]string
	if text := store.Get(pausesSection); text != nil {
		if err := json.Unmarshal(text, &by); err != nil {
			f.log.Warn("pauses of scaling are forgotten: alerts.state_file has them in another form", zap.Error(err))
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.paused.store = store
	f.paused.by = by
	for _, u := range f.upstreams {
		if u.scaling == nil || by[u.name] == "" {
			continue
		}
		u.scaling.mu.Lock()
		u.scaling.pausedBy = by[u.name]
		u.scaling.mu.Unlock()
		f.log.Warn("servers are neither started nor stopped: scaling was paused, and not resumed since", zap.String("upstream", u.name), zap.String("reason", by[u.name]))
	}
}

// keepPause remembers that a scaling was paused or resumed.
func (f *fleet) keepPause(upstream, why string, on bool) {
	f.mu.Lock()
	by := maps.Clone(f.paused.by)
	if delete(by, upstream); on {
		if by == nil {
			by = map[string]string{}
		}
		by[upstream] = why
	}
	f.paused.by = by
	store := f.paused.store
	f.mu.Unlock()
	if store == nil {
		return
	}
	text, err := json.Marshal(by)
	if err == nil {
		err = store.Put(pausesSection, text)
	}
	if err != nil {
		f.log.Warn("a pause of scaling is not kept over a restart", zap.String("upstream", upstream), zap.Error(err))
	}
}

// Paused are the upstreams whose servers nobody starts or stops, and why.
func (a *App) Paused() map[string]string {
	a.fleet.mu.Lock()
	defer a.fleet.mu.Unlock()
	return maps.Clone(a.fleet.paused.by)
}

// Pause pauses the scaling of an upstream, if it is scaled.
func (a *App) Pause(upstream, why string) { a.fleet.Pause(upstream, true, why) }
