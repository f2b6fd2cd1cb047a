// Receivers of alerts: who is told, in which form, how soon and how often.

package configs

import (
	"slices"
	"strings"
	"time"
)

// Notify is a receiver that is told of alerts.
type Notify struct {
	Name       string        `yaml:"name"`
	Kind       string        `yaml:"kind"`                  // webhook, slack, alertmanager or command
	URL        SecretURL     `yaml:"url,omitempty"`         // of a webhook or of Slack; or URLFile
	URLFile    string        `yaml:"url_file,omitempty"`    // a file that holds it, absolute; of Alertmanager one a line
	URLs       []SecretURL   `yaml:"urls,omitempty"`        // of each Alertmanager
	SecretFile string        `yaml:"secret_file,omitempty"` // a file of keys for a webhook's signatures, absolute; "": messages are not signed
	Command    []string      `yaml:"command,omitempty"`     // program and arguments
	Severity   string        `yaml:"severity"`              // of alerts that are told: this one and graver ones
	GroupWait  time.Duration `yaml:"group_wait,omitempty"`  // for others to join a message; 0: by severity
	Interval   time.Duration `yaml:"interval"`              // between two messages about one group
	Repeat     time.Duration `yaml:"repeat,omitempty"`      // until what still fires is told again; 0: by severity
	Timeout    time.Duration `yaml:"timeout"`               // of one attempt
	Watchdog   bool          `yaml:"watchdog,omitempty"`    // Alertmanager gets an alert that always fires
}

// The kinds of receivers.
const (
	NotifyWebhook      = "webhook"
	NotifySlack        = "slack"
	NotifyAlertmanager = "alertmanager"
	NotifyCommand      = "command"
)

var notifyKinds = []string{NotifyWebhook, NotifySlack, NotifyAlertmanager, NotifyCommand}

// alertSeverities are those of alerts, the gravest last.
var alertSeverities = []string{"info", "ticket", "page"}

func notifyDefaults() Notify {
	return Notify{Severity: "info", Interval: 5 * time.Minute, Timeout: 10 * time.Second}
}

// takers are the kinds of receivers that a key is for; all of them if the key is not here.
var takers = []struct {
	key   string
	kinds []string
	why   string
}{
	{"url", []string{NotifyWebhook, NotifySlack}, "nothing is posted to one address"},
	{"url_file", []string{NotifyWebhook, NotifySlack, NotifyAlertmanager}, "nothing is posted"},
	{"urls", []string{NotifyAlertmanager}, "only an Alertmanager is told at several addresses at once"},
	{"secret_file", []string{NotifyWebhook}, "nobody would check a signature"},
	{"command", []string{NotifyCommand}, "no program is run"},
	{"group_wait", []string{NotifyWebhook, NotifySlack, NotifyCommand}, "Alertmanager groups by itself"},
	{"repeat", []string{NotifyWebhook, NotifySlack, NotifyCommand}, "Alertmanager repeats by itself"},
	{"watchdog", []string{NotifyAlertmanager}, "others would be told again and again of nothing"},
}

func (r *report) validateNotify(list []Notify) {
	named := map[string]path{}
	for i := range list {
		n, p := &list[i], path("notify").item(i)
		r.validateName(p.key("name"), n.Name)
		r.unique(named, p.key("name"), n.Name, "receiver of alerts")
		if r.validateKind(p, n.Kind) {
			r.validateWay(p, n)
		}
		r.oneOf(p.key("severity"), n.Severity, alertSeverities...)
		if r.places.given(p.key("group_wait")) {
			between(r, p.key("group_wait"), n.GroupWait, time.Second, time.Hour, "give the time that a message waits for others to join")
		}
		between(r, p.key("interval"), n.Interval, time.Second, mostDuration, "give the time between two messages about the same")
		if r.places.given(p.key("repeat")) {
			between(r, p.key("repeat"), n.Repeat, time.Minute, mostDuration, "give the time after which what still fires is told again")
		}
		between(r, p.key("timeout"), n.Timeout, leastDuration, time.Minute, "give the time that a receiver has to answer")
	}
}

// validateKind says whether the kind is one, and reports keys that are for others.
func (r *report) validateKind(p path, kind string) bool {
	if kind == "" {
		r.missing(p.key("kind"), "write webhook, slack, alertmanager or command")
		return false
	}
	if !slices.Contains(notifyKinds, kind) {
		r.oneOf(p.key("kind"), kind, notifyKinds...)
		return false
	}
	for _, t := range takers {
		if r.places.given(p.key(t.key)) && !slices.Contains(t.kinds, kind) {
			r.add(p.key(t.key), "remove it, or choose kind "+strings.Join(t.kinds, " or "), "is not for kind %s: %s", kind, t.why)
		}
	}
	return true
}

// validateWay reports what is wrong with where messages go.
func (r *report) validateWay(p path, n *Notify) {
	switch n.Kind {
	case NotifyCommand:
		if len(n.Command) == 0 {
			r.missing(p.key("command"), "give a program and its arguments, such as [/usr/local/bin/page, oncall]")
			return
		}
		r.validateCommand(p.key("command"), n.Command)
	case NotifyAlertmanager:
		r.validateManagers(p, n)
	default:
		r.validateReceiver(p, "url", string(n.URL), n.URLFile)
		r.validateKeys(p.key("secret_file"), n.SecretFile)
	}
}

// validateManagers reports addresses of Alertmanagers that cannot be meant.
func (r *report) validateManagers(p path, n *Notify) {
	at, list := p.key("urls"), n.URLs
	switch {
	case n.URLFile != "" && len(n.URLs) > 0:
		r.add(p.key("url_file"), "keep one of the two", "urls is given as well")
		return
	case n.URLFile != "":
		at = p.key("url_file")
		content, good := r.readSecret(at, n.URLFile)
		if !good {
			return
		}
		list = Addresses(string(content))
	}
	if len(list) == 0 {
		r.missing(at, "give the address of each Alertmanager, such as http://127.0.0.1:9093")
		return
	}
	for i, address := range list {
		place := at
		if n.URLFile == "" {
			place = at.item(i)
		}
		r.validateAddress(place, string(address))
		if strings.Contains(string(address), "/api/v") || strings.ContainsRune(string(address), '?') {
			r.add(place, "leave out /api and what follows, and any query: the path of the API is added", "is not the address of an Alertmanager alone")
		}
		if slices.Index(list, address) < i {
			r.add(place, "name each once", "is there already")
		}
	}
}

// Addresses are those of a file, one a line.
func Addresses(content string) (list []SecretURL) {
	for _, line := range strings.Fields(content) {
		list = append(list, SecretURL(line))
	}
	return list
}

// reviewNotify notes what others may read or forge, and what would fail.
func (r *report) reviewNotify(list []Notify) {
	for i := range list {
		n, p := &list[i], path("notify").item(i)
		if n.Kind == NotifyWebhook && n.SecretFile == "" {
			r.note(p, "give secret_file, so that its receiver can tell our messages from others", "messages are not signed")
		}
		if openly(string(n.URL)) {
			r.note(p.key("url"), "use https", "anybody on the way can read the messages, and the address")
		}
		for j, address := range n.URLs {
			if openly(string(address)) {
				r.note(p.key("urls").item(j), "use https", "anybody on the way can read the alerts, and the address")
			}
		}
		if n.Kind == NotifyAlertmanager && n.Interval != notifyDefaults().Interval {
			r.note(p.key("interval"), "remove it", "has no effect: Alertmanager groups by itself")
		}
		if n.Kind == NotifyCommand {
			r.reviewCommand(p.key("command"), n.Command)
		}
	}
}
