// What every validation needs, and the order of them all.

package configs

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// Policies are the names that an upstream's policy may have.
var Policies = []string{"capacity", "least_load", "least_cost", "two_choices", "optimal_split", "round_robin", "random"}

// validate reports everything that is wrong with a resolved configuration.
func (r *report) validate(c *Config) {
	r.validateListeners(c)
	r.validateAdminHosts(c.Admin.Hosts)
	r.validateAdminToken(&c.Admin)
	r.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	r.oneOf("log.format", c.Log.Format, "json", "console")
	r.validateWritten("log.requests", c.Log.Requests, true)
	r.validateLimits(&c.Limits)
	r.validateClients(&c.Clients, &c.Limits)
	r.validateTimeouts(&c.Timeouts)
	r.validateTrust(c.Forwarded.Trust)
	r.oneOf("half_close", c.HalfClose, "gone", "wait")
	r.validateWebhooks(c.Webhooks)
	r.validateNotify(c.Notify)
	r.validateUsage(&c.Usage)
	r.validateAlerts(c)
	r.oneOf("optimise", c.Optimise, OptimiseOff, OptimiseShow, OptimiseApply)
	r.validateAnomalies(&c.Anomalies)
	r.validateForecast(&c.Forecast)
	r.validateShared(c)
	r.validateResources(c)
	r.validateScaler(&c.Scaler)
	r.validateUpstreams(c.Upstreams)
	r.validateActuators(c.Upstreams)
	r.validateLoops(c)
	r.validateRoutes(c)
}

// oneOf reports a word that is not among the known ones.
func (r *report) oneOf(p path, word string, known ...string) {
	if slices.Contains(known, word) {
		return
	}
	remedy := "use one of them"
	if near := nearest(word, known); near != "" {
		remedy = "did you mean " + quote(near) + "?"
	}
	choice := known[len(known)-1]
	if rest := known[:len(known)-1]; len(rest) > 0 {
		choice = strings.Join(rest, ", ") + " or " + choice
	}
	r.add(p, remedy, "must be %s, is %s", choice, quote(word))
}

// between reports a value outside the range, ends included, and returns whether it is inside.
func between[T cmp.Ordered](r *report, p path, value, least, most T, remedy string) bool {
	if value >= least && value <= most {
		return true
	}
	r.add(p, remedy, "must be from %s to %s, is %s", show(least), show(most), show(value))
	return false
}

// validateName reports a name that would be unreadable in a log line, or in the path of an admin request.
func (r *report) validateName(p path, name string) {
	const most = 128
	switch {
	case name == "":
		r.missing(p, "give each a name of its own")
	case len(name) > most:
		r.add(p, "shorten it to at most 128", "has %d bytes", len(name))
	case name == "." || name == ".." || strings.ContainsRune(name, '/') || strings.TrimSpace(name) != name ||
		strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsPrint(c) }):
		r.add(p, `use letters, digits and signs, but no "/" and no space around it`, "is not a name: %s", quote(name))
	}
}
