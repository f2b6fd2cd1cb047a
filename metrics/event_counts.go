// What is counted of events, and of telling receivers of them.

package metrics

var events = family("events_total", "Events, by what has happened; the kinds are listed in proxy/admin/API.md.", "kind")

// EventCount is how many events of one kind there have been.
type EventCount struct {
	Kind  string
	Count uint64
}

// ObserveEvents makes source the origin of steelyard_events_total. It is called once per
// scrape, from any goroutine, and should name each kind once. A later call replaces it.
func (r *Registry) ObserveEvents(source func() []EventCount) { r.eventSource.Store(&source) }

// collectEvents puts the counts on a page.
func (r *Registry) collectEvents(s *page) {
	if source := r.eventSource.Load(); source != nil {
		for _, e := range (*source)() {
			s.counter(events, e.Count, e.Kind)
		}
	}
}
