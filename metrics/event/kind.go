// The closed list of what may happen.

package event

import "fmt"

// Severity is how soon somebody should look.
type Severity uint8

const (
	Info     Severity = iota // worth knowing, nobody needs to act
	Warning                  // somebody should look, requests are served
	Critical                 // requests fail, or soon will
)

var severityNames = [...]string{"info", "warning", "critical"}

func (s Severity) String() string { return severityNames[s] }

// ParseSeverity is the severity with a name.
func ParseSeverity(name string) (Severity, error) {
	for i, n := range severityNames {
		if n == name {
			return Severity(i), nil
		}
	}
	return 0, fmt.Errorf("no severity %q: it is info, warning or critical", name)
}

// Kind is what has happened. The zero Kind is none.
type Kind uint8

const (
	Ejected           Kind = 1 + iota // its real traffic failed or was slow
	Restored                          // ejected no longer
	WouldEject                        // a detector that only watches would have ejected it
	Slowing                           // it becomes slower than its peers
	OnTrial                           // it is back, and a few requests find out whether it serves well
	TrialPassed                       // it does
	Ramping                           // its capacity grows to the whole
	RampOver                          // it is whole
	Unreachable                       // connections fail
	Back                              // connections succeed again
	ProbeFailed                       // its probes fail
	ProbePassed                       // its probes succeed again
	Draining                          // an operator wants no more requests there
	Undrained                         // the operator changed their mind
	Drained                           // draining, and the last request has ended
	Panic                             // too few are left, so the ejected or unreachable are used
	PanicOver                         //
	NoEndpoint                        // none is eligible: requests are refused
	NoEndpointOver                    //
	CoolingOff                        // the endpoint asked for a pause by 429 or 503
	SpilledOver                       // a tier fell short, the next one is used
	SpillOver                         // the tiers before suffice again
	Reloaded                          // another configuration is in effect
	ReloadRefused                     // the configuration cannot be used, the old one stays
	UpgradeBegun                      // another program has been started
	UpgradeDone                       // it has taken over
	UpgradeFailed                     // it has not; this one goes on
	Shed                              // requests are refused so that the process lives
	ShedOver                          //
	Poisoned                          // the same request broke several servers
	RetryBudgetSpent                  // failed requests are not tried again for now
	CertificateEnding                 // a certificate ends soon
	CertificateEnded                  // clients refuse it from now on
	Recovery                          // an action was taken to get an endpoint back, and succeeded
	RecoveryFailed                    // the action failed
	WouldRecover                      // the action would have been taken if it were no dry run
	WebhookFailing                    // a receiver does not take its messages
	WebhookBack                       // it takes them again
	AlertsUndelivered                 // a receiver of alerts does not take them
	AlertsDelivered                   // it takes them again
	Silenced                          // somebody wants alerts not to be told for a while
	Unsilenced                        // the while is over, or was ended
	Restarted                         // the engine's own figures show it
	SignalLost                        // the engine says nothing of itself any more
	SignalBack                        // it does again
	ResourceLost                      // the endpoint's machine says nothing of itself any more
	ResourceBack                      // it does again
	AlertFiring                       // a rule's condition has held for long enough
	AlertOver                         // it no longer does
	ActionTaken                       // what is to be done when an alert fires was done
	ActionFailed                      // it was not
	WouldAct                          // it would have been, if it were no dry run
	ScaleAsked                        // an alert asks for more or fewer endpoints
	UsageLost                         // who asks cannot be written to usage.dir
	UsageKept                         // it can again
	Advised                           // something should be changed
	Optimised                         // a recommendation was applied
	OptimiseUndone                    // one was taken back, as R got worse
	FaultFound                        // something is odd in the requests that have ended
	FaultOver                         // it is so no longer
	TrendSeen                         // a figure will be out of its limit within a week
	ReplicaStarted                    // a server was started for an upstream
	ReplicaEnded                      // one was ended, as it is no longer wanted
	ReplicaFailed                     // one could not be started, or has ended by itself
	PortTaken                         // a port for servers is used by somebody else
	EndpointsChanged                  // the list of endpoints has changed
	Arrived                           // a new one has passed its first probe
	Departing                         // it is about to go
	DepartingOver                     // it stays after all
	DiscoveryFailed                   // a source of endpoints cannot be read, the last list stays
	DiscoveryHeld                     // it drops much, which waits
	DiscoveryBack                     // what it says is in force again
	DiscoveryFaults                   // some endpoints that it names cannot be used
	GatewaysApart                     // other gateways cannot be reached
	GatewaysTogether                  // they can again
	GatewayCame                       // another gateway is heard
	GatewayGone                       // one is heard no more
	GatewayTwice                      // two gateways have one name
	Leads                             // this gateway acts for all now
	LeadsNot                          // it does so no more
	ScaleOut                          // more servers were ordered
	ScaleIn                           // servers that were drained were ordered to be stopped
	ScaleKept                         // servers that were to be stopped are needed again
	ScaleFailed                       // an order, or the start of a server, has failed
	ScaleBack                         // orders are carried out again
	ScaleAdopted                      // somebody else has changed how many servers there are
	WouldScale                        // servers would have been started or stopped, if it were no dry run
	ScalePaused                       // an operator wants no server to be started or stopped
	ScaleResumed                      // they do again

	kinds // one more than the last
)

type entry struct {
	name     string
	severity Severity
	says     string
}

var entries = [kinds]entry{
	Ejected:           {"ejected", Warning, "endpoint ejected: its requests fail or are too slow"},
	Restored:          {"restored", Info, "endpoint is no longer ejected"},
	WouldEject:        {"would_eject", Info, "endpoint would be ejected if the detector were enforced"},
	Slowing:           {"slowing", Warning, "endpoint becomes slower than its peers: it will be ejected if that goes on"},
	OnTrial:           {"on_trial", Info, "endpoint is on trial: a few requests at once find out whether it serves well"},
	TrialPassed:       {"trial_passed", Info, "endpoint has passed its trial"},
	Ramping:           {"ramping", Info, "endpoint gets a part of its share, which grows"},
	RampOver:          {"ramp_over", Info, "endpoint gets its whole share"},
	Unreachable:       {"unreachable", Warning, "endpoint cannot be reached: connections to it fail; others get its requests"},
	Back:              {"back", Info, "endpoint can be reached again"},
	ProbeFailed:       {"probe_failed", Warning, "endpoint does not pass its probes: others get its requests"},
	ProbePassed:       {"probe_passed", Info, "endpoint passes its probes again"},
	Draining:          {"draining", Info, "endpoint is drained: it gets no new requests"},
	Undrained:         {"undrained", Info, "endpoint is no longer drained"},
	Drained:           {"drained", Info, "endpoint has no request left and may be switched off"},
	Panic:             {"panic", Critical, "too few endpoints are left: those that should get no requests get them all the same"},
	PanicOver:         {"panic_over", Info, "enough endpoints are left again"},
	NoEndpoint:        {"no_endpoint", Critical, "no endpoint is eligible: requests are refused"},
	NoEndpointOver:    {"no_endpoint_over", Info, "an endpoint is eligible again"},
	CoolingOff:        {"cooling_off", Info, "endpoint asked for a pause and gets one"},
	SpilledOver:       {"spilled_over", Warning, "the tier in use falls short: the next one gets requests too"},
	SpillOver:         {"spill_over", Info, "the tiers before suffice again"},
	Reloaded:          {"reloaded", Info, "configuration reloaded"},
	ReloadRefused:     {"reload_refused", Warning, "configuration not reloaded: the old one stays in effect"},
	UpgradeBegun:      {"upgrade_begun", Info, "upgrade begun: a new program is started"},
	UpgradeDone:       {"upgrade_done", Info, "upgrade done: the new program has taken over"},
	UpgradeFailed:     {"upgrade_failed", Warning, "upgrade failed: the old program goes on"},
	Shed:              {"shed", Critical, "overload: requests are refused, those of the lowest priority first"},
	ShedOver:          {"shed_over", Info, "overload is over"},
	Poisoned:          {"poisoned", Warning, "the same request broke several endpoints: it is refused for a while"},
	RetryBudgetSpent:  {"retry_budget_spent", Warning, "too many requests fail: they are not tried again for now"},
	CertificateEnding: {"certificate_ending", Warning, "certificate ends soon"},
	CertificateEnded:  {"certificate_ended", Critical, "certificate has ended: clients refuse it"},
	Recovery:          {"recovery", Info, "recovery action taken for an endpoint"},
	RecoveryFailed:    {"recovery_failed", Warning, "recovery action for an endpoint failed"},
	WouldRecover:      {"would_recover", Info, "recovery action would be taken for an endpoint (dry run)"},
	WebhookFailing:    {"webhook_failing", Warning, "a webhook's receiver does not take its messages"},
	WebhookBack:       {"webhook_back", Info, "a webhook's receiver takes its messages again"},
	AlertsUndelivered: {"alerts_undelivered", Warning, "a receiver does not take the alerts that it is to be told"},
	AlertsDelivered:   {"alerts_delivered", Info, "a receiver takes alerts again"},
	Silenced:          {"silenced", Info, "alerts are silenced: they are not told for a while"},
	Unsilenced:        {"unsilenced", Info, "a silence has ended"},
	Restarted:         {"restarted", Info, "endpoint's engine has restarted: what it had in its cache is gone"},
	SignalLost:        {"signal_lost", Warning, "endpoint's engine does not say how it fares: it is balanced without that"},
	SignalBack:        {"signal_back", Info, "endpoint's engine says how it fares"},
	ResourceLost:      {"resource_lost", Warning, "an exporter of the endpoint's machine does not answer: how the machine fares is not known"},
	ResourceBack:      {"resource_back", Info, "an exporter of the endpoint's machine answers again"},
	AlertFiring:       {"alert_firing", Warning, "an alert fires"},
	AlertOver:         {"alert_over", Info, "an alert is over"},
	ActionTaken:       {"action_taken", Info, "an alert's action was taken"},
	ActionFailed:      {"action_failed", Warning, "an alert's action was not taken"},
	WouldAct:          {"would_act", Info, "an alert's action would be taken (dry run)"},
	ScaleAsked:        {"scale_asked", Info, "an alert asks for another number of servers"},
	UsageLost:         {"usage_lost", Warning, "finished requests cannot be written to usage.dir: they count in memory only"},
	UsageKept:         {"usage_kept", Info, "finished requests are written to usage.dir again"},
	Advised:           {"advised", Info, "something should be changed: see the recommendations"},
	Optimised:         {"optimised", Info, "a recommendation was applied"},
	OptimiseUndone:    {"optimise_undone", Warning, "a recommendation was taken back: response times got worse with it"},
	FaultFound:        {"fault_found", Warning, "fault found in the requests that have ended"},
	FaultOver:         {"fault_over", Info, "fault is over"},
	TrendSeen:         {"trend", Warning, "a figure is on its way out of its limit"},
	ReplicaStarted:    {"server_started", Info, "a server is started"},
	ReplicaEnded:      {"server_ended", Info, "a server was ended"},
	ReplicaFailed:     {"server_failed", Warning, "a server could not be started, or has ended by itself"},
	PortTaken:         {"port_taken", Warning, "a port that is for servers is taken by another program"},
	EndpointsChanged:  {"endpoints_changed", Info, "the list of endpoints has changed"},
	Arrived:           {"arrived", Info, "endpoint is new and has passed its first probe: it gets requests"},
	Departing:         {"departing", Info, "endpoint is about to go: it gets no new requests"},
	DepartingOver:     {"departing_over", Info, "endpoint stays after all"},
	DiscoveryFailed:   {"discovery_failed", Warning, "a source of endpoints cannot be read: the last list stays"},
	DiscoveryHeld:     {"discovery_held", Warning, "a source of endpoints drops many of them: they stay for now"},
	DiscoveryBack:     {"discovery_back", Info, "what a source of endpoints says is in force again"},
	DiscoveryFaults:   {"discovery_faults", Warning, "a source of endpoints names some that cannot be used"},
	GatewaysApart:     {"gateways_apart", Warning, "other gateways cannot be reached: this one goes on alone, with what it knows"},
	GatewaysTogether:  {"gateways_together", Info, "other gateways can be reached again"},
	GatewayCame:       {"gateway_came", Info, "another gateway shares the servers"},
	GatewayGone:       {"gateway_gone", Info, "another gateway is heard no more"},
	GatewayTwice:      {"gateway_twice", Warning, "two gateways have one name: give each its own shared.name"},
	Leads:             {"leads", Info, "this gateway acts for all gateways"},
	LeadsNot:          {"leads_not", Info, "this gateway no longer acts for all gateways"},
	ScaleOut:          {"scale_out", Info, "more servers are started"},
	ScaleIn:           {"scale_in", Info, "servers that have nothing left to do are stopped"},
	ScaleKept:         {"scale_kept", Info, "servers that were to be stopped stay"},
	ScaleFailed:       {"scale_failed", Warning, "servers cannot be started or stopped as they should be"},
	ScaleBack:         {"scale_back", Info, "servers can be started and stopped again"},
	ScaleAdopted:      {"scale_adopted", Warning, "somebody else has changed how many servers there are"},
	WouldScale:        {"would_scale", Info, "servers would be started or stopped (dry run)"},
	ScalePaused:       {"scale_paused", Info, "no servers are started or stopped: an operator has paused it"},
	ScaleResumed:      {"scale_resumed", Info, "servers are started and stopped again: an operator has resumed it"},
}

// Kinds is every kind there is.
func Kinds() []Kind {
	all := make([]Kind, 0, kinds-1)
	for k := Kind(1); k < kinds; k++ {
		all = append(all, k)
	}
	return all
}

// String is the kind's name, as the API, the metrics and webhooks show it.
func (k Kind) String() string {
	if k == 0 || k >= kinds {
		return "none"
	}
	return entries[k].name
}

// Severity is how soon somebody should look.
func (k Kind) Severity() Severity {
	if k >= kinds {
		return Info
	}
	return entries[k].severity
}

// Says is a sentence that says what has happened.
func (k Kind) Says() string {
	if k >= kinds {
		return ""
	}
	return entries[k].says
}

// MarshalText is the name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads a name.
func (k *Kind) UnmarshalText(text []byte) (err error) {
	*k, err = ParseKind(string(text))
	return err
}

// ParseKind is the kind with a name.
func ParseKind(name string) (Kind, error) {
	for k := Kind(1); k < kinds; k++ {
		if entries[k].name == name {
			return k, nil
		}
	}
	return 0, fmt.Errorf("no kind of event is named %q", name)
}
