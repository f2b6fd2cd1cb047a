// What is counted of events, and of telling receivers of them.

package metrics

var (
	events = family("events_total", "Events, by what has happened; the kinds are listed in proxy/admin/API.md.", "kind")

	webhookMessages = family("webhook_messages_total", "Messages to a receiver of events, by how they ended: delivered, refused by the receiver, outdated when an hour old, or dropped because too many waited or the end had come.", "webhook", "result")
	webhookAttempts = family("webhook_attempts_total", "Attempts to deliver a message to a receiver of events, by whether it took it.", "webhook", "result")
	webhookWaiting  = family("webhook_messages_waiting", "Messages that wait to be delivered now.", "webhook")

	notifyMessages = family("notify_messages_total", "Messages about alerts to a receiver, by how they ended: delivered, refused by the receiver, outdated when a day old, or dropped because too many waited or the receiver wants no more.", "receiver", "result")
	notifyAttempts = family("notify_attempts_total", "Attempts to tell a receiver of alerts, by whether it took them.", "receiver", "result")
	notifyWaiting  = family("notify_messages_waiting", "Messages about alerts that wait to be delivered now.", "receiver")
	notifyFailing  = family("notify_failing", "Whether the last attempt to tell the receiver of alerts failed.", "receiver")
)

// EventCount is how many events of one kind there have been.
type EventCount struct {
	Kind  string
	Count uint64
}

// ObserveEvents makes source the origin of steelyard_events_total. It is called once per
// scrape, from any goroutine, and should name each kind once. A later call replaces it.
func (r *Registry) ObserveEvents(source func() []EventCount) { r.eventSource.Store(&source) }

// WebhookState is what a scrape shows of a receiver of events.
type WebhookState struct {
	Webhook string

	Attempts, Failed                      uint64 // to deliver a message; those that failed are among them
	Delivered, Refused, Outdated, Dropped uint64 // messages, by how they ended
	Waiting                               int    // messages, now
}

// ObserveWebhooks makes source the origin of steelyard_webhook_…. It is called once per
// scrape, from any goroutine, and should name each webhook once. A later call replaces it.
func (r *Registry) ObserveWebhooks(source func() []WebhookState) { r.webhookSource.Store(&source) }

// NotifyState is what a scrape shows of a receiver of alerts.
type NotifyState struct {
	Receiver string

	Attempts, Failed                      uint64 // to tell it of alerts; those that failed are among them
	Delivered, Refused, Outdated, Dropped uint64 // messages, by how they ended
	Waiting                               int    // messages, now
	Failing                               bool   // the last attempt failed
}

// ObserveNotify makes source the origin of steelyard_notify_…. It is called once per
// scrape, from any goroutine, and should name each receiver once. A later call replaces it.
func (r *Registry) ObserveNotify(source func() []NotifyState) { r.notifySource.Store(&source) }

// collectEvents puts the counts on a page.
func (r *Registry) collectEvents(s *page) {
	if source := r.eventSource.Load(); source != nil {
		for _, e := range (*source)() {
			s.counter(events, e.Count, e.Kind)
		}
	}
	if source := r.webhookSource.Load(); source != nil {
		for _, w := range (*source)() {
			s.webhook(&w)
		}
	}
	if source := r.notifySource.Load(); source != nil {
		for _, n := range (*source)() {
			s.notify(&n)
		}
	}
}

func (s *page) webhook(w *WebhookState) {
	s.counter(webhookMessages, w.Delivered, w.Webhook, "delivered")
	s.counter(webhookMessages, w.Refused, w.Webhook, "refused")
	s.counter(webhookMessages, w.Outdated, w.Webhook, "outdated")
	s.counter(webhookMessages, w.Dropped, w.Webhook, "dropped")
	s.counter(webhookAttempts, w.Attempts-min(w.Failed, w.Attempts), w.Webhook, "taken")
	s.counter(webhookAttempts, w.Failed, w.Webhook, "failed")
	s.gauge(webhookWaiting, float64(w.Waiting), w.Webhook)
}

func (s *page) notify(n *NotifyState) {
	s.counter(notifyMessages, n.Delivered, n.Receiver, "delivered")
	s.counter(notifyMessages, n.Refused, n.Receiver, "refused")
	s.counter(notifyMessages, n.Outdated, n.Receiver, "outdated")
	s.counter(notifyMessages, n.Dropped, n.Receiver, "dropped")
	s.counter(notifyAttempts, n.Attempts-min(n.Failed, n.Attempts), n.Receiver, "taken")
	s.counter(notifyAttempts, n.Failed, n.Receiver, "failed")
	s.gauge(notifyWaiting, float64(n.Waiting), n.Receiver)
	s.flag(notifyFailing, n.Failing, n.Receiver)
}
