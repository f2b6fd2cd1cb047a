// The use of several gateways, by the hour: what others are told of ours, and what is kept of theirs.

package usage

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	hourTime = time.Hour
	// openTime is for how long after its begin an hour is still counted: rows come late, and clocks are set.
	openTime = 2 * hourTime
	// hoursTold is for how long an hour is known of other gateways.
	hoursTold = 7 * 24 * time.Hour
	// mostAhead is how far the clock of another gateway may be before ours.
	mostAhead = hourTime
	// mostKept is how many bytes all documents may have together, and mostDocuments how many there may be.
	mostKept, mostDocuments = 32 << 20, 20_000
	// pageRoom is how many bytes of documents a page has, beside those of our hours under way.
	pageRoom = 64 << 10
	// MostPage is how many bytes a page of another gateway may have.
	MostPage = 1 << 20
	// pageForm is the version of a page.
	pageForm = 1
)

// Sharing says who this gateway is among several.
type Sharing struct {
	Name  string    // of this gateway
	Begun time.Time // when its process did
	Names string    // is the same at gateways that give a user the same name
}

// Document is the use of a gateway in an hour, on its way.
type Document struct {
	// Book says whose it is: a gateway's name, and where nothing outlives its process also when that began. Of one book and hour
	// the document with the most requests counts, however often it comes.
	Book     string  `json:"book"`
	Name     string  `json:"name"`
	Names    string  `json:"names,omitempty"`
	Hour     int64   `json:"hour"` // in seconds since 1970
	Requests uint64  `json:"requests"`
	Ago      float64 `json:"ago_s"` // for how long it has been true
	Body     []byte  `json:"body"`
}

// Forgotten says that a user was forgotten. Each is done once, whoever tells of it.
type Forgotten struct {
	ID   string  `json:"id"`
	User UserID  `json:"user"`
	Ago  float64 `json:"ago_s"`
}

// page is what a gateway tells at a time.
type page struct {
	Form      int         `json:"form"`
	Forgotten []Forgotten `json:"forgotten"`
	Documents []Document  `json:"documents"`
}

// place is which hour of which book.
type place struct {
	hour int64
	book string
}

func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(p.hour, o.hour), cmp.Compare(p.book, o.book))
}

// keptHour is a document as it is kept.
type keptHour struct {
	name, names string
	requests    uint64
	at          time.Time // when it was true, by our clock
	body        []byte
}

// together is what is known of the use of all gateways by the hour.
type together struct {
	sharing Sharing
	book    string

	mu      sync.Mutex
	kept    map[place]*keptHour // ours too
	bytes   int64               // of them
	changes int                 // of kept
	turn    place               // the last that was told in turn
	forgets map[string]forget   // by ID
	told    string              // the forget that was told last in turn
	cache   *answered           // the last answer; nil: none
}

// forget is a user that was forgotten.
type forget struct {
	User UserID
	At   time.Time
}

func newTogether(s Sharing, outlives bool) *together {
	t := &together{sharing: s, book: s.Name, kept: map[place]*keptHour{}, forgets: map[string]forget{}}
	if !outlives {
		t.book = fmt.Sprintf("%s@%d", s.Name, s.Begun.UnixNano())
	}
	return t
}

// tally counts a row for the others. The caller holds the book's mu.
func (b *Book) tally(r *Row, at time.Time, m *marks) {
	hour := at.UTC().Truncate(hourTime)
	if passed := time.Since(hour); passed >= openTime || passed < -mostAhead {
		return // of files that are read again, or of a clock that was wrong: the others know of it, or never will
	}
	h := b.open[hour.Unix()]
	if h == nil {
		h = newHourUse(hour)
		b.open[hour.Unix()] = h
	}
	h.add(r, at, m)
}

// Tell is what the other gateways are to be told now; nil where this one is alone.
func (b *Book) Tell(now time.Time) []byte {
	t := b.together
	if t == nil {
		return nil
	}
	hours := b.refresh(now)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tidy(now)
	p := page{Form: pageForm, Forgotten: t.tellForgotten(now)}
	told := map[place]bool{}
	for _, hour := range hours {
		if at := (place{hour, t.book}); t.kept[at] != nil {
			p.Documents, told[at] = append(p.Documents, t.document(at, now)), true
		}
	}
	for _, at := range t.nextTurn() {
		if !told[at] {
			p.Documents = append(p.Documents, t.document(at, now))
		}
	}
	text, err := json.Marshal(p)
	if err != nil {
		panic("BUG: a page that is no JSON: " + err.Error())
	}
	return text
}

// refresh makes documents of our hours that have changed. It returns the hours under way.
func (b *Book) refresh(now time.Time) (hours []int64) {
	t, fresh := b.together, map[int64]*HourUse{}
	told := t.ours()
	b.mu.Lock() // never with t's: whoever forgets has that for long, and requests wait for this one
	for hour, h := range b.open {
		if n, is := told[hour]; !is || n < h.requests() {
			fresh[hour] = h.clone()
		}
		if hours = append(hours, hour); now.Sub(time.Unix(hour, 0)) >= openTime {
			delete(b.open, hour)
		}
	}
	b.mu.Unlock()
	for _, hour := range hours {
		h := fresh[hour]
		if h == nil {
			t.still(hour, now)
		} else if err := t.keepOurs(hour, h, now); err != nil {
			b.options.Note(fmt.Sprintf("other gateways are not told of the use of %s: %v", h.From.Format(time.RFC3339), err))
		}
	}
	return hours
}

// ours is how many requests our documents have, by hour.
func (t *together) ours() map[int64]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	told := map[int64]uint64{}
	for at, k := range t.kept {
		if at.book == t.book {
			told[at.hour] = k.requests
		}
	}
	return told
}

// still notes that an hour of ours has not changed.
func (t *together) still(hour int64, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if k := t.kept[place{hour, t.book}]; k != nil {
		k.at = now
	}
}

// keepOurs keeps an hour of ours, without those who were forgotten while it was copied and packed.
func (t *together) keepOurs(hour int64, h *HourUse, now time.Time) error {
	for {
		packed, err := h.pack()
		if err != nil {
			return err
		}
		t.mu.Lock()
		changed := t.withoutForgotten(h, hour)
		if !changed {
			t.put(place{hour, t.book}, &keptHour{t.sharing.Name, t.sharing.Names, h.requests(), now, packed})
		}
		t.mu.Unlock()
		if !changed {
			return nil
		}
	}
}

// clone is a copy that nobody changes.
func (h *HourUse) clone() *HourUse {
	c := newHourUse(h.From)
	c.merge(&h.Pane)
	c.Seen.Registers = slices.Clone(h.Seen.Registers)
	return c
}

// put keeps a document. The caller holds mu.
func (t *together) put(at place, k *keptHour) {
	if was := t.kept[at]; was != nil {
		t.bytes -= int64(len(was.body))
	}
	t.kept[at] = k
	t.bytes += int64(len(k.body))
	t.changes++
}

// tidy drops the oldest hours, and all that are too old. The caller holds mu.
func (t *together) tidy(now time.Time) {
	oldest := now.Add(-hoursTold).Unix()
	full := t.bytes > mostKept || len(t.kept) > mostDocuments
	if full {
		for _, at := range slices.SortedFunc(maps.Keys(t.kept), place.compare) {
			if t.bytes <= mostKept && len(t.kept) <= mostDocuments {
				break
			}
			t.drop(at)
		}
	}
	for at := range t.kept {
		if at.hour < oldest {
			t.drop(at)
		}
	}
	t.tidyForgets(now)
}

func (t *together) drop(at place) {
	t.bytes -= int64(len(t.kept[at].body))
	delete(t.kept, at)
	t.changes++
}

func (t *together) document(at place, now time.Time) Document {
	k := t.kept[at]
	return Document{at.book, k.name, k.names, at.hour, k.requests, max(now.Sub(k.at).Seconds(), 0), k.body}
}

// nextTurn are the documents that are told this time of all there are, ours and others': so whoever comes later hears of all hours, also
// of gateways that have gone. The caller holds mu.
func (t *together) nextTurn() (list []place) {
	all := slices.SortedFunc(maps.Keys(t.kept), place.compare)
	first, found := slices.BinarySearchFunc(all, t.turn, place.compare)
	if found {
		first++
	}
	room := pageRoom
	for i := range all {
		at := all[(first+i)%len(all)]
		if room -= len(t.kept[at].body); room < 0 && i > 0 {
			break
		}
		list, t.turn = append(list, at), at
	}
	return list
}

// Hear takes in what another gateway tells. An error says what of it was refused; the rest is taken.
func (b *Book) Hear(text []byte, now time.Time) error {
	t := b.together
	if t == nil {
		return nil
	}
	if len(text) > MostPage {
		return fmt.Errorf("it has %d bytes, and may have %d", len(text), MostPage)
	}
	var p page
	if err := json.Unmarshal(text, &p); err != nil {
		return fmt.Errorf("it is no page of use: %w", err)
	}
	if p.Form != pageForm {
		return fmt.Errorf("it has form %d, and this program reads form %d", p.Form, pageForm)
	}
	failed := b.hearForgotten(p.Forgotten, now)
	refused, first := 0, error(nil)
	for i := range p.Documents {
		if err := t.take(&p.Documents[i], now); err != nil {
			refused, first = refused+1, cmp.Or(first, err)
		}
	}
	if refused > 1 {
		first = fmt.Errorf("%w, and %d other documents likewise", first, refused-1)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tidy(now)
	return errors.Join(failed, first)
}

// take keeps a document that says more than what is known.
func (t *together) take(d *Document, now time.Time) error {
	hour := time.Unix(d.Hour, 0).UTC()
	switch {
	case d.Book == "" || len(d.Book) > mostText || !isHarmless(d.Book), d.Name == "" || len(d.Name) > mostName || !isHarmless(d.Name), len(d.Names) > mostName:
		return errors.New("a document of nobody")
	case d.Hour%int64(hourTime/time.Second) != 0 || hour.After(now.Add(mostAhead)):
		return fmt.Errorf("a document of %s of no hour that was: %d", d.Name, d.Hour)
	case now.Sub(hour) > hoursTold:
		return nil // as old as is known
	}
	at, told := place{d.Hour, d.Book}, now.Add(-time.Duration(min(max(d.Ago, 0), hoursTold.Seconds())*float64(time.Second)))
	t.mu.Lock()
	known := t.kept[at]
	newer := known == nil || d.Requests > known.requests
	if known != nil && d.Requests == known.requests && told.After(known.at) {
		known.at = told
	}
	t.mu.Unlock()
	if !newer || at.book == t.book && now.Sub(hour) < openTime { // what we count ourselves nobody knows better
		return nil
	}
	h, err := unpack(d.Body, hour, d.Requests)
	if err != nil {
		return fmt.Errorf("a document of %s of %s: %w", d.Name, hour.Format(time.RFC3339), err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	k := &keptHour{d.Name, d.Names, d.Requests, told, d.Body}
	if t.withoutForgotten(h, d.Hour) {
		if k.body, err = h.pack(); err != nil {
			return err
		}
	}
	t.put(at, k)
	return nil
}

// savedHour is a document in a file.
type savedHour struct {
	Book, Name, Names string
	Hour              int64
	Requests          uint64
	At                time.Time
	Body              []byte
}

// save is what outlives the process of all that is known of other gateways.
func (t *together) save() (hours []savedHour, forgets map[string]forget) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for at, k := range t.kept {
		hours = append(hours, savedHour{at.book, k.name, k.names, at.hour, k.requests, k.at, k.body})
	}
	return hours, maps.Clone(t.forgets)
}

// restore takes it up again.
func (t *together) restore(hours []savedHour, forgets map[string]forget) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range hours {
		t.put(place{s.Hour, s.Book}, &keptHour{s.Name, s.Names, s.Requests, s.At, s.Body})
	}
	maps.Copy(t.forgets, forgets)
}
