// The section alerts: what the gateway watches in its own instruments, and what it does about it.

package configs

import (
	"strconv"
	"strings"
	"time"
)

// Alerts says what is watched, and where that is kept over a restart.
type Alerts struct {
	Interval  time.Duration `yaml:"interval"`             // from one evaluation of the rules to the next
	Defaults  bool          `yaml:"defaults"`             // the built-in rules; one of Rules takes the place of that of its name
	StateFile string        `yaml:"state_file,omitempty"` // absolute; "": nothing is kept
	SLO       []Objective   `yaml:"slo,omitempty"`
	Rules     []AlertRule   `yaml:"rules,omitempty"`
	Actions   []AlertAction `yaml:"actions,omitempty"`
}

// Objective is what part of the requests must be good.
type Objective struct {
	Name      string  `yaml:"name"`
	Upstream  string  `yaml:"upstream,omitempty"` // "": each upstream by itself
	Objective float64 `yaml:"objective"`          // above 0 and below 1
	Good      Good    `yaml:"good"`
	Period    Period  `yaml:"period"`
	MinEvents int     `yaml:"min_events"` // bad ones in the long window, for a burn rule to fire
}

// Good is what makes a request good: one of the two, or with neither its status. It is written status, or with keys.
type Good struct {
	FirstByte time.Duration `yaml:"first_byte,omitempty"` // the answer began within it
	Response  time.Duration `yaml:"response,omitempty"`   // the answer ended within it
}

const statusWord = "status"

// word is what is written in place of keys; "" where keys are.
func (g Good) word() string {
	if g == (Good{}) {
		return statusWord
	}
	return ""
}

// Period is a duration that may be given in days.
type Period time.Duration

const day = 24 * time.Hour

func parsePeriod(text string) (Period, error) {
	if days, is := strings.CutSuffix(text, "d"); is {
		n, err := plainInt(days)
		if err == nil && (n < 0 || n > 100_000) {
			err = errOdd
		}
		return Period(time.Duration(n) * day), err
	}
	d, err := parseDuration(text)
	return Period(d), err
}

// String writes whole days as such.
func (p Period) String() string {
	if d := time.Duration(p); d != 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	return formatDuration(time.Duration(p))
}

// AlertRule says when an alert fires.
type AlertRule struct {
	Name       string        `yaml:"name"`
	Severity   string        `yaml:"severity"` // page, ticket or info
	On         string        `yaml:"on"`       // gateway, upstream or endpoint: each by itself
	Metric     string        `yaml:"metric"`
	Where      []string      `yaml:"where,omitempty"` // label=value, label!=value; values separated by "|"
	Fn         string        `yaml:"fn"`
	Of         string        `yaml:"of,omitempty"` // the whole of a ratio; "": the metric, whatever where says
	Quantile   float64       `yaml:"quantile,omitempty"`
	Over       time.Duration `yaml:"over,omitempty"`
	Above      *float64      `yaml:"above"` // it fires above; or below
	Below      *float64      `yaml:"below"`
	Clear      *float64      `yaml:"clear"` // and is over on the other side of this; nil: as Above or Below
	For        time.Duration `yaml:"for"`
	KeepFiring time.Duration `yaml:"keep_firing_for"`
	NoData     string        `yaml:"no_data"`
	MinEvents  int           `yaml:"min_events"`
	Drained    bool          `yaml:"drained,omitempty"` // endpoints that are drained count too
	Summary    string        `yaml:"summary,omitempty"`
	Remedy     string        `yaml:"remedy,omitempty"`
}

// AlertAction maps an alert to what the gateway does when it fires.
type AlertAction struct {
	Name     string        `yaml:"name"`
	Alert    string        `yaml:"alert"` // the name of its rule
	Do       string        `yaml:"do"`
	DryRun   bool          `yaml:"dry_run"`
	Every    time.Duration `yaml:"every"`              // from one time to the next, for the same upstream and endpoint
	Limit    int           `yaml:"limit"`              // times within an hour
	Priority int           `yaml:"priority,omitempty"` // of shed: requests of lower ones are turned away
	Lasts    time.Duration `yaml:"lasts,omitempty"`    // of shed: so long at most
	By       int           `yaml:"by,omitempty"`       // of scale: endpoints more, or fewer
}

// The words that keys of alerts may have.
var (
	AlertSeverities = []string{"page", "ticket", "info"}
	alertSubjects   = []string{"gateway", "upstream", "endpoint"}
	alertFunctions  = []string{"value", "rate", "ratio", "quantile", "delta", "absent"}
	alertNoData     = []string{"keep", "ok", "fire"}
	alertActions    = []string{"drain", "recover", "scale", "shed"}
)

func alertDefaults() Alerts { return Alerts{Interval: 10 * time.Second, Defaults: true} }

func objectiveDefaults() Objective { return Objective{Period: Period(30 * day), MinEvents: 10} }

func ruleDefaults() AlertRule {
	return AlertRule{Severity: "ticket", On: "gateway", Fn: "value", For: time.Minute, NoData: "keep"}
}

func actionDefaults() AlertAction {
	return AlertAction{DryRun: true, Every: 10 * time.Minute, Limit: 6}
}

// resolve fills in what depends on a rule's function or an action's kind.
func (a *Alerts) resolve(p path, from places) {
	for i := range a.Rules {
		rule, at := &a.Rules[i], p.key("rules").item(i)
		if rule.Fn == "quantile" && !from.given(at.key("quantile")) {
			rule.Quantile = 0.95
		}
		if !from.given(at.key("min_events")) && (rule.Fn == "quantile" || rule.Fn == "ratio" && rule.Over > 0) {
			rule.MinEvents = 10
		}
	}
	for i := range a.Actions {
		action, at := &a.Actions[i], p.key("actions").item(i)
		switch {
		case action.Do == "shed":
			if !from.given(at.key("priority")) {
				action.Priority = DefaultPriority
			}
			if !from.given(at.key("lasts")) {
				action.Lasts = 10 * time.Minute
			}
		case action.Do == "scale" && !from.given(at.key("by")):
			action.By = 1
		}
	}
}
