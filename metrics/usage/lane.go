// Rows that came together, added up before they go to all that they belong to.

package usage

import "time"

// mostLanes is how many lanes are open at once. Rows that come together are of few upstreams and models, and of one minute.
const mostLanes = 8

// lane is the rows of one upstream and model that ended in one minute.
type lane struct {
	Served
	minute   int64 // since 1970
	from, to time.Time
	counts   Counts
	work     float64

	pane   *Pane
	served *Use
	hour   *Hour
}

// take takes a row in. The caller holds mu, and calls settle before it gives mu back.
func (b *Book) take(r *Row) {
	at, c, m := r.End(), r.counts(), r.marks()
	l := b.lane(r, at)
	if at.Before(l.from) {
		l.from = at
	}
	if at.After(l.to) {
		l.to = at
	}
	l.counts.merge(&c)
	l.work += max(r.Work, 0)
	l.served.mark(&m)
	l.hour.mark(&m)
	if r.User != "" {
		b.series.saw(l.hour, l.pane.Users.add(r, &c, &m))
	}
	b.series.addPrompt(r, at)
	if b.together != nil {
		b.tally(r, at, &m)
	}
}

// lane is the one that a row belongs to.
func (b *Book) lane(r *Row, at time.Time) *lane {
	minute := at.Unix() / 60
	for i := range b.lanes {
		if l := &b.lanes[i]; l.minute == minute && l.Upstream == r.Upstream && l.Model == r.Model {
			return l
		}
	}
	if len(b.lanes) == mostLanes {
		b.settle()
	}
	l := lane{Served: Served{r.Upstream, r.Model}, minute: minute, from: at, to: at, pane: b.pane(at)}
	l.served, l.hour = l.pane.served(l.Served), b.series.hour(at)
	b.lanes = append(b.lanes, l)
	return &b.lanes[len(b.lanes)-1]
}

// settle adds the lanes to all that they belong to.
func (b *Book) settle() {
	for i := range b.lanes {
		l := &b.lanes[i]
		if l.to.After(l.pane.To) {
			l.pane.To = l.to
		}
		l.served.Counts.merge(&l.counts)
		l.hour.Counts.merge(&l.counts)
		b.series.add(l)
	}
	clear(b.lanes) // lets go of the names in them
	b.lanes = b.lanes[:0]
}
