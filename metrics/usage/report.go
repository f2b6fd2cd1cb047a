// Answers to questions about use.

package usage

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"time"
)

// By is what use is told by.
type By string

const (
	ByUser     By = "user"
	ByModel    By = "model"
	ByUpstream By = "upstream"
	ByHour     By = "hour"
)

// Bys is all there are.
var Bys = []string{string(ByUser), string(ByModel), string(ByUpstream), string(ByHour)}

// Question is what somebody wants to know of use.
type Question struct {
	By       By
	From, To time.Time // both zero: of about the last day, at once; else exactly, where there are files
	Most     int       // lines; 0: as many as there are
	Now      time.Time
	Alone    bool // of this gateway only, where there are several
}

// Report is the answer to a Question.
type Report struct {
	By       By         `json:"by"`
	From     time.Time  `json:"from"`
	To       time.Time  `json:"to"`
	Lines    []Line     `json:"rows"`
	Dropped  int64      `json:"dropped"` // requests that are missing, as too many came at once
	Lost     int64      `json:"unwritten"`
	Damaged  int        `json:"damaged_bytes"`
	Patience []Patience `json:"patience"`
	Storms   []Storm    `json:"storms"`
	Growth   []Growth   `json:"growth"`
	Peaks    []Peak     `json:"peaks"`
	Gateways []Gateway  `json:"gateways"` // whose use this is, this gateway first; empty: it is of this one only
}

// Line is the use of one user, model, upstream or hour.
type Line struct {
	Key              string  `json:"key"`
	Name             string  `json:"name"`
	Requests         uint64  `json:"requests"`
	Errors           uint64  `json:"errors"`
	Aborts           uint64  `json:"aborts"`
	Retries          uint64  `json:"retries"`
	PromptTokens     uint64  `json:"prompt_tokens"`
	CachedTokens     uint64  `json:"cached_tokens"`
	CompletionTokens uint64  `json:"completion_tokens"`
	PromptBytes      uint64  `json:"prompt_bytes"`
	AnswerBytes      uint64  `json:"answer_bytes"`
	ServiceSeconds   float64 `json:"service_s"`
	ResponseP50      float64 `json:"response_p50_s"`
	ResponseP95      float64 `json:"response_p95_s"`
	FirstByteP50     float64 `json:"first_byte_p50_s"`
	FirstByteP95     float64 `json:"first_byte_p95_s"`
	Over             uint64  `json:"over"`  // by which requests may be too high
	Users            uint64  `json:"users"` // of an hour: how many there were, about

	// MedianPatience is after how many seconds half of those who still wait would have left; nil: not known.
	MedianPatience *float64 `json:"patience_p50_s,omitempty"`
	ClientTimeout  float64  `json:"client_timeout_s"` // of a user: how long its client waits, as it says; 0: it does not
}

func lineOf(key string, u *Use) Line {
	return Line{
		Key: key, Name: key, Requests: u.Requests, Errors: u.Errors, Aborts: u.Aborts, Retries: u.Retries,
		PromptTokens: u.PromptTokens, CachedTokens: u.CachedTokens, CompletionTokens: u.CompletionTokens,
		PromptBytes: u.PromptBytes, AnswerBytes: u.AnswerBytes, ServiceSeconds: u.Service,
		ResponseP50: u.Response.Quantile(0.5), ResponseP95: u.Response.Quantile(0.95),
		FirstByteP50: u.FirstByte.Quantile(0.5), FirstByteP95: u.FirstByte.Quantile(0.95),
		MedianPatience: u.patience().MedianSeconds,
	}
}

// findings are what is known of the time of a question.
type findings struct {
	pane     *Pane
	hours    []*Hour
	gateways []Gateway
	damaged  int
	exact    bool // it is of that time and no more
}

// Report answers a question. A time is read from the files, where there are some; without them it is answered by whole panes,
// and From and To say which those are. What other gateways have told is of whole hours.
func (b *Book) Report(q Question) (r Report, err error) {
	exactly := !q.From.IsZero() || !q.To.IsZero()
	var f findings
	if exactly && b.store != nil && q.By != ByHour {
		b.scanning.Lock()
		defer b.scanning.Unlock()
		f, err = scan(b.options.Dir, q)
		if errors.Is(err, fs.ErrNotExist) { // nothing was written yet
			err = nil
		}
	} else {
		f = b.remembered(q)
	}
	if b.together != nil && !q.Alone {
		b.addOthers(&f, q)
	}
	r = f.report(q)
	r.Lost = b.Lost()
	b.mu.Lock()
	defer b.mu.Unlock()
	r.Storms, r.Growth, r.Peaks = b.series.storms(q.Now), b.series.growth(q.Now), b.series.peaks(q.Now)
	return r.whole(), err
}

// whole has no list that is nil: in JSON each is a list.
func (r Report) whole() Report {
	r.Lines, r.Patience, r.Storms = append([]Line{}, r.Lines...), append([]Patience{}, r.Patience...), append([]Storm{}, r.Storms...)
	r.Growth, r.Peaks, r.Gateways = append([]Growth{}, r.Growth...), append([]Peak{}, r.Peaks...), append([]Gateway{}, r.Gateways...)
	return r
}

// remembered is what is in memory. Nobody else has a part of it.
func (b *Book) remembered(q Question) findings {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := findings{pane: b.between(q.From, q.To, q.Now)}
	if q.By == ByHour {
		for _, h := range b.series.Hours {
			if !h.within(q) {
				continue
			}
			kept := &Hour{At: h.At, Users: h.Users}
			kept.merge(&h.Use)
			f.hours = append(f.hours, kept)
		}
	}
	return f
}

// between are all panes that have something of a time, as one. The caller holds mu.
func (b *Book) between(from, to, now time.Time) *Pane {
	var all *Pane
	for _, p := range b.panes {
		if p.To.Before(from) || !to.IsZero() && !p.From.Before(to) {
			continue
		}
		if all == nil {
			all = newPane(p.From)
		}
		all.merge(p)
	}
	if all == nil {
		all = newPane(cmp.Or(from, now))
	}
	return all
}

// Scan answers a question from the files of a folder, whether a gateway writes them or not.
func Scan(dir string, q Question) (Report, error) {
	f, err := scan(dir, q)
	r := f.report(q)
	return r.whole(), err
}

// scan reads the files of a folder.
func scan(dir string, q Question) (findings, error) {
	all, series := newPane(q.From), newSeries()
	damaged, err := ReadDir(dir, q.From, q.To, func(r *Row) {
		at := r.End()
		if all.From.IsZero() || at.Before(all.From) {
			all.From = at
		}
		m := r.marks()
		all.add(r, at, &m)
		if q.By == ByHour {
			series.addHour(r, at, &m)
		}
	})
	if q.From.IsZero() && len(all.Served) == 0 {
		all.From, all.To = q.Now, q.Now
	}
	return findings{pane: all, hours: series.Hours, damaged: damaged, exact: true}, err
}

// report is what was found as an answer.
func (f *findings) report(q Question) Report {
	r := f.pane.report(q)
	if q.By == ByHour {
		r.hours(f.hours, q)
	}
	if f.exact {
		r.From, r.To = cmp.Or(q.From, r.From), cmp.Or(q.To, r.To)
	}
	r.Damaged, r.Gateways = f.damaged, f.gateways
	return r
}

// report is the use of a pane as an answer.
func (p *Pane) report(q Question) Report {
	r := Report{By: q.By, From: p.From.UTC(), To: p.To.UTC()}
	upstreams, models := map[string]*Use{}, map[string]*Use{}
	for of, u := range p.Served {
		sumOf(upstreams, of.Upstream).merge(u)
		sumOf(models, of.Model).merge(u)
	}
	for _, name := range slices.Sorted(maps.Keys(upstreams)) {
		patience := upstreams[name].patience()
		patience.Upstream = name
		r.Patience = append(r.Patience, patience)
	}
	switch q.By {
	case ByUser:
		r.Lines = p.Users.lines()
	case ByModel:
		r.Lines = linesOf(models)
	case ByUpstream:
		r.Lines = linesOf(upstreams)
	}
	if q.By != ByHour {
		slices.SortStableFunc(r.Lines, func(a, b Line) int {
			return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Key, b.Key))
		})
		r.cut(q.Most)
	}
	return r
}

func (r *Report) cut(most int) {
	if most > 0 && len(r.Lines) > most {
		r.Lines = r.Lines[:most]
	}
}

func sumOf(all map[string]*Use, key string) *Use {
	if all[key] == nil {
		all[key] = newUse(true)
	}
	return all[key]
}

func linesOf(all map[string]*Use) (lines []Line) {
	for key, u := range all {
		lines = append(lines, lineOf(key, u))
	}
	return lines
}

// lines are the users with the most requests.
func (h *Heavy) lines() (lines []Line) {
	for _, u := range h.List {
		total := u.Total()
		line := lineOf(string(u.ID), &total)
		line.Requests, line.Over, line.ClientTimeout = u.Count, u.Over, u.Timeout
		lines = append(lines, line)
	}
	return lines
}

// within says whether an hour has a part of a question's time.
func (h *Hour) within(q Question) bool {
	return !h.At.Add(time.Hour).Before(q.From) && (q.To.IsZero() || h.At.Before(q.To))
}

// hours are the lines of hours, the oldest first; the last ones where there are more than are asked for.
func (r *Report) hours(hours []*Hour, q Question) {
	hours = slices.SortedFunc(slices.Values(hours), func(a, b *Hour) int { return a.At.Compare(b.At) })
	for _, h := range hours {
		if !h.within(q) {
			continue
		}
		line := lineOf(h.At.Format(time.RFC3339), &h.Use)
		line.Users = h.Users
		r.Lines = append(r.Lines, line)
	}
	if q.Most > 0 && len(r.Lines) > q.Most {
		r.Lines = r.Lines[len(r.Lines)-q.Most:]
	}
	if len(r.Lines) > 0 {
		r.From = hours[0].At
		if !q.From.IsZero() {
			r.From = q.From
		}
	}
}
