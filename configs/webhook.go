// Webhooks: who is told of events.

package configs

import (
	"bytes"
	"encoding/base64"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Webhook is a receiver that is told of events.
type Webhook struct {
	Name       string        `yaml:"name"`
	URL        SecretURL     `yaml:"url,omitempty"`         // or URLFile
	URLFile    string        `yaml:"url_file,omitempty"`    // a file that holds it, absolute
	SecretFile string        `yaml:"secret_file,omitempty"` // a file of keys for signatures, absolute; "": messages are not signed
	Severity   string        `yaml:"severity"`              // of events that are told: this one and graver ones
	Kinds      []string      `yaml:"kinds,omitempty"`       // that are told; none: all
	Timeout    time.Duration `yaml:"timeout"`               // of one attempt
}

// SecretURL is an address that may let in whoever knows it. Only [Config.YAML] prints it.
type SecretURL string

func (u SecretURL) String() string               { return "(secret)" }
func (u SecretURL) GoString() string             { return "(secret)" }
func (u SecretURL) MarshalText() ([]byte, error) { return []byte("(secret)"), nil }

// Severities are the names that a webhook's severity may have, the gravest last.
var Severities = []string{"info", "warning", "critical"}

// EventKinds are the names that a webhook's kinds may have.
var EventKinds = []string{
	"ejected", "restored", "would_eject", "slowing", "on_trial", "trial_passed", "ramping", "ramp_over", "unreachable", "back",
	"probe_failed", "probe_passed", "draining", "undrained", "drained", "panic", "panic_over", "no_endpoint",
	"no_endpoint_over", "cooling_off", "spilled_over", "spill_over", "reloaded", "reload_refused", "upgrade_begun",
	"upgrade_done", "upgrade_failed", "shed", "shed_over", "poisoned", "retry_budget_spent", "certificate_ending",
	"certificate_ended", "recovery", "recovery_failed", "would_recover", "restarted", "signal_lost", "signal_back", "resource_lost", "resource_back",
	"alert_firing", "alert_over", "action_taken", "action_failed", "would_act", "scale_asked",
	"alerts_undelivered", "alerts_delivered", "silenced", "unsilenced",
	"usage_lost", "usage_kept",
	"advised", "optimised", "optimise_undone",
	"fault_found", "fault_over", "trend",
	"server_started", "server_ended", "server_failed", "port_taken",
	"endpoints_changed", "arrived", "departing", "departing_over", "discovery_failed", "discovery_held", "discovery_back", "discovery_faults",
	"gateways_apart", "gateways_together", "gateway_came", "gateway_gone", "gateway_twice", "leads", "leads_not",
	"scale_out", "scale_in", "scale_kept", "scale_failed", "scale_back", "scale_adopted", "would_scale", "scale_paused", "scale_resumed",
}

// leastKey is the length of a key that nobody can guess, in bytes, by Standard Webhooks.
const leastKey = 24

func (r *report) validateWebhooks(hooks []Webhook) {
	named := map[string]path{}
	for i := range hooks {
		w, p := &hooks[i], path("webhooks").item(i)
		r.validateName(p.key("name"), w.Name)
		r.unique(named, p.key("name"), w.Name, "webhook")
		r.validateReceiver(p, "url", string(w.URL), w.URLFile)
		r.validateKeys(p.key("secret_file"), w.SecretFile)
		r.oneOf(p.key("severity"), w.Severity, Severities...)
		for j, kind := range w.Kinds {
			if !slices.Contains(EventKinds, kind) {
				r.add(p.key("kinds").item(j), Suggest(kind, EventKinds), "is no kind of event: %s", quote(kind))
			}
		}
		between(r, p.key("timeout"), w.Timeout, leastDuration, time.Minute, "give the time that a receiver has to answer")
	}
}

// validateReceiver reports an address to post to that is not given once, in the key or in the file that key_file names.
func (r *report) validateReceiver(p path, key, address, file string) {
	at, inFile := p.key(key), p.key(key+"_file")
	switch {
	case address != "" && file != "":
		r.add(inFile, "keep one of the two", "%s is given as well", key)
	case address == "" && file == "":
		r.missing(at, "give the address to post to, or "+key+"_file, a file that holds it")
	case address != "":
		r.validateAddress(at, address)
	default:
		if content, good := r.readSecret(inFile, file); good {
			r.validateAddress(inFile, strings.TrimSpace(string(content)))
		}
	}
}

// validateAddress never repeats the address: it may be secret.
func (r *report) validateAddress(p path, address string) {
	const remedy = "write https://host/path"
	switch u, err := url.Parse(address); {
	case err != nil || strings.ContainsAny(address, " \t\r\n"):
		r.add(p, remedy, "is not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		r.add(p, remedy, "must begin with https:// or http://")
	case u.Hostname() == "":
		r.add(p, remedy, "has no host")
	case !goodPort(u.Port()):
		r.add(p, badPort.remedy, "%s", badPort.what)
	case u.Fragment != "":
		r.add(p, "remove the # and what follows", "has a fragment")
	}
}

// goodPort accepts one that may be connected to, or none.
func goodPort(port string) bool {
	number, err := parsePort(port)
	return port == "" || err == nil && number > 0
}

// validateKeys reports a file of keys that cannot be used, and returns how many it holds.
func (r *report) validateKeys(p path, file string) (found int) {
	if file == "" {
		return found
	}
	content, good := r.readSecret(p, file)
	if !good {
		return found
	}
	const remedy = "put a key in it, such as openssl rand -base64 32 prints, or one a line"
	for line := range bytes.Lines(content) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		found++
		if encoded, is := bytes.CutPrefix(line, []byte("whsec_")); is {
			line = decoded(encoded)
		}
		if len(line) < leastKey {
			r.add(p, remedy, "holds a key of less than %d bytes, or one whose part after whsec_ is no base64", leastKey)
			return found
		}
	}
	if found == 0 {
		r.add(p, remedy, "holds no key")
	}
	return found
}

// reviewWebhooks notes what others may read or forge.
func (r *report) reviewWebhooks(hooks []Webhook) {
	for i := range hooks {
		w, p := &hooks[i], path("webhooks").item(i)
		if w.SecretFile == "" {
			r.note(p, "give secret_file, so that its receiver can tell our messages from others", "messages are not signed")
		}
		if openly(string(w.URL)) {
			r.note(p.key("url"), "use https", "anybody on the way can read the messages, and the address")
		}
	}
}

// openly says whether messages leave this machine in plain text.
func openly(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.Hostname() == "localhost" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err != nil || !ip.IsLoopback()
}

// decoded is what base64 stands for; nil if it is none.
func decoded(text []byte) []byte {
	raw, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return nil
	}
	return raw
}
