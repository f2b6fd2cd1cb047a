// Putting another configuration in force while running.

package app

import (
	"reflect"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/proxy/admin"
)

// Reload puts cfg in force for all requests that begin from now on, and reads the files it names
// again; or it changes nothing and says why. Listeners, admin, log and the limits and time-outs
// of client connections stay those of the start: keys of cfg that differ there are logged.
func (a *App) Reload(cfg *configs.Config) error {
	_, err := a.Adopt(cfg)
	return err
}

// Adopt is Reload that says whether anything has changed.
func (a *App) Adopt(cfg *configs.Config) (changed bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if reflect.DeepEqual(cfg, a.config) && !a.FilesChanged() {
		a.unchanged()
		return false, nil
	}
	g, err := a.prepare(cfg)
	if err != nil {
		a.ReloadFailed(err)
		return false, err
	}
	if keys := NeedRestart(a.config, cfg); len(keys) > 0 {
		a.log.Warn("reload: these keys take effect at the next start", zap.Strings("keys", keys))
	}
	a.renewToken()
	a.webhooks.adopt(g.webhooks)
	a.notify.adopt(g.notify)
	a.fleet.adopt(g)
	a.handler.Use(g.rules)
	a.alerts.adopt(cfg)
	a.analysis.adopt(cfg)
	a.config = cfg
	a.reloaded(nil)
	a.events.Publish(event.Event{Kind: event.Reloaded, Action: "requests that begin now are served by it",
		Evidence: map[string]any{"upstreams": len(cfg.Upstreams), "routes": len(cfg.Routes)}})
	a.log.Info("reloaded", zap.Int("upstreams", len(cfg.Upstreams)), zap.Int("routes", len(cfg.Routes)))
	return true, nil
}

// unchanged notes that a reload found what is in force already. After one that was refused that is news:
// whoever was told of it is told that all is well.
func (a *App) unchanged() {
	a.log.Info("reload: nothing has changed")
	if a.LastReload().Error != "" {
		a.events.Publish(event.Event{Kind: event.Reloaded, Cause: "it is again what is in effect", Action: "nothing changes"})
	}
	a.reloaded(nil)
}

// Config is the configuration in force, the keys apart that take effect at the next start.
func (a *App) Config() *configs.Config {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.config
}

// Files are those that the configuration in force names and a reload reads again.
func (a *App) Files() (files []string) {
	named := append(append(a.webhooks.fileNames(), a.notify.fileNames()...), a.tokenFile)
	for _, id := range a.fleet.identities() {
		named = append(named, id.tls.CAFile, id.tls.CertFile, id.tls.KeyFile)
	}
	for _, u := range a.fleet.all() {
		named = append(named, u.recovery.fileNames()...)
		if u.scaling != nil {
			named = append(named, u.scaling.actsAs().fileNames()...)
		}
	}
	for _, file := range named {
		if file != "" && !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	return files
}

// FilesChanged says whether one of them has other contents than when it was read, or what was
// learned of requests was changed by somebody else.
func (a *App) FilesChanged() bool {
	return a.fleet.filesChanged() || a.webhooks.filesChanged() || a.notify.filesChanged() || a.tokenChanged()
}

// ReloadFailed records that a new configuration could not be read. The old one
// stays in force.
func (a *App) ReloadFailed(err error) {
	a.log.Error("reload failed, the old configuration stays", zap.Error(err))
	a.events.Publish(event.Event{Kind: event.ReloadRefused, Cause: err.Error(), Action: "the old configuration stays"})
	a.reloaded(err)
}

func (a *App) reloaded(err error) {
	r := &admin.Reload{At: time.Now()}
	if err != nil {
		r.Error = err.Error()
	}
	a.lastReload.Store(r)
	a.metrics.Reloaded(err == nil)
}

// NeedRestart lists the keys that differ and cannot change while running.
func NeedRestart(was, is *configs.Config) (keys []string) {
	for _, c := range []struct {
		key     string
		was, is any
	}{
		{"listen", was.Listen, is.Listen},
		{"admin", was.Admin, is.Admin},
		{"log", was.Log, is.Log},
		{"scaler", was.Scaler, is.Scaler},
		{"alerts.state_file", was.Alerts.StateFile, is.Alerts.StateFile},
		{"shared", was.Shared, is.Shared},
		{"half_close", was.HalfClose, is.HalfClose},
		{"anomalies.enabled", was.Anomalies.Enabled, is.Anomalies.Enabled},
		{"anomalies.slow_ratio", was.Anomalies.SlowRatio, is.Anomalies.SlowRatio},
		{"forecast.enabled", was.Forecast.Enabled, is.Forecast.Enabled},
		{"forecast.lead_time", was.Forecast.LeadTime, is.Forecast.LeadTime},
		{"forecast.time_zone", was.Forecast.TimeZone, is.Forecast.TimeZone},
		{"usage.enabled", was.Usage.Enabled, is.Usage.Enabled},
		{"usage.user", was.Usage.User, is.Usage.User},
		{"usage.dir", was.Usage.Dir, is.Usage.Dir},
		{"usage.days", was.Usage.Days, is.Usage.Days},
		{"usage.max_bytes", was.Usage.MaxBytes, is.Usage.MaxBytes},
		{"limits.header_bytes", was.Limits.HeaderBytes, is.Limits.HeaderBytes},
		{"limits.connections", was.Limits.Connections, is.Limits.Connections},
		{"clients.min_send_rate", was.Clients.MinSendRate, is.Clients.MinSendRate},
		{"clients.min_read_rate", was.Clients.MinReadRate, is.Clients.MinReadRate},
		{"clients.max_connections", was.Clients.MaxConnections, is.Clients.MaxConnections},
		{"timeouts.header", was.Timeouts.Header, is.Timeouts.Header},
		{"timeouts.body", was.Timeouts.Body, is.Timeouts.Body},
		{"timeouts.idle_client", was.Timeouts.IdleClient, is.Timeouts.IdleClient},
		{"timeouts.client_stall", was.Timeouts.ClientStall, is.Timeouts.ClientStall},
	} {
		if !reflect.DeepEqual(c.was, c.is) {
			keys = append(keys, c.key)
		}
	}
	return keys
}

// LastReload is how the last load of a configuration ended.
func (a *App) LastReload() admin.Reload { return *a.lastReload.Load() }
