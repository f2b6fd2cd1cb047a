// The use of a gateway in an hour, as others are told it, and whether it can be true.

package usage

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

const (
	// mostBody is how many bytes a document may have, packed, and mostUnpacked how many unpacked.
	mostBody     = 48 << 10
	mostUnpacked = 4 << 20
	// mostUsersTold is how many users a document has at most: those with the most requests.
	mostUsersTold = 200
	// mostCount is more than anybody can have of anything in an hour.
	mostCount = 1 << 50
	// mostModel is how long the name of a model may be: JSON may make three bytes of one.
	mostModel = 3 * mostText
	// mostOwners is how many upstreams may have models without a place of their own.
	mostOwners = 256
)

// HourUse is all use of a gateway in one hour.
type HourUse struct {
	Pane
	Seen Distinct
}

func newHourUse(hour time.Time) *HourUse { return &HourUse{Pane: *newPane(hour)} }

func (h *HourUse) add(r *Row, at time.Time, m *marks) {
	h.Pane.add(r, at, m)
	if r.User != "" {
		h.Seen.add(r.User)
	}
}

// requests are all of the hour.
func (h *HourUse) requests() (n uint64) {
	for _, u := range h.Served {
		n += u.Requests
	}
	return n
}

// body is an hour's use in JSON.
type body struct {
	To     time.Time   `json:"to"`    // when its last request ended
	Users  []*User     `json:"users"` // those with the most requests
	Least  uint64      `json:"least"` // how many requests a user may have who is none of them
	Served []servedUse `json:"served"`
	Seen   []byte      `json:"seen,omitempty"`
}

type servedUse struct {
	Served
	Use *Use `json:"use"`
}

// heardBody is a body as it is read: of longer lists the rest is passed over, so that a small document cannot fill the memory.
type heardBody struct {
	To     time.Time                               `json:"to"`
	Users  [mostUsersTold + 1]*heardUser           `json:"users"`
	Least  uint64                                  `json:"least"`
	Served [mostServed + mostOwners + 1]*servedUse `json:"served"`
	Seen   []byte                                  `json:"seen"`
}

type heardUser struct {
	User
	Models [mostModels + 2]*ModelUse
}

// body is it without what is null.
func (h *heardBody) body() *body {
	b := &body{To: h.To, Least: h.Least, Seen: h.Seen}
	for _, s := range h.Served {
		if s != nil {
			b.Served = append(b.Served, *s)
		}
	}
	for _, heard := range h.Users {
		if heard == nil {
			continue
		}
		u := heard.User
		for _, m := range heard.Models {
			if m != nil {
				u.Models = append(u.Models, *m)
			}
		}
		b.Users = append(b.Users, &u)
	}
	return b
}

// text is the hour in JSON, with so many users and so many pairs of upstream and model at most.
func (h *HourUse) text(users, served int) ([]byte, error) {
	list := slices.SortedFunc(slices.Values(h.Users.List), func(a, b *User) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.ID, b.ID)) })
	b := body{To: h.To, Users: list, Least: h.Users.least(), Seen: h.Seen.Registers}
	if len(list) > users {
		b.Users, b.Least = list[:users], max(b.Least, list[users].Count)
	}
	few := newPane(h.From)
	few.most = served
	for of, u := range h.byRequests() {
		few.served(Served{strings.ToValidUTF8(of.Upstream, "?"), strings.ToValidUTF8(of.Model, "?")}).merge(u) // as JSON can have it
	}
	for of, u := range few.Served {
		b.Served = append(b.Served, servedUse{of, u})
	}
	return json.Marshal(b)
}

// byRequests are the pairs of upstream and model, those with the most requests first.
func (p *Pane) byRequests() func(yield func(Served, *Use) bool) {
	var all []servedUse
	for of, u := range p.Served {
		all = append(all, servedUse{of, u})
	}
	slices.SortFunc(all, func(a, b servedUse) int {
		return cmp.Or(cmp.Compare(b.Use.Requests, a.Use.Requests), cmp.Compare(a.Upstream, b.Upstream), cmp.Compare(a.Model, b.Model))
	})
	return func(yield func(Served, *Use) bool) {
		for _, s := range all {
			if !yield(s.Served, s.Use) {
				return
			}
		}
	}
}

// pack is the hour in as many bytes as a document may have: with fewer users, and then fewer models, where there are too many.
func (h *HourUse) pack() ([]byte, error) {
	for users, served := mostUsersTold, mostServed; ; users, served = users/2, served-served/4 {
		text, err := h.text(users, served)
		if err != nil {
			return nil, err
		}
		if packed := squeeze(text); len(text) <= mostUnpacked && len(packed) <= mostBody {
			return packed, nil
		}
		if users == 0 && served <= 1 {
			return nil, errors.New("it does not fit into a document")
		}
	}
}

func squeeze(text []byte) []byte {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(text) // a buffer takes all
	_ = z.Close()
	return packed.Bytes()
}

// inflate is the text of a document.
func inflate(packed []byte) ([]byte, error) {
	if len(packed) > mostBody {
		return nil, fmt.Errorf("it has %d bytes, and may have %d", len(packed), mostBody)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(z, mostUnpacked+1))
	if err == nil && len(text) > mostUnpacked {
		err = fmt.Errorf("it is larger than %d MiB", mostUnpacked>>20)
	}
	return text, err
}

// unpack reads an hour, and refuses what cannot be true.
func unpack(packed []byte, hour time.Time, requests uint64) (*HourUse, error) {
	text, err := inflate(packed)
	if err != nil {
		return nil, err
	}
	var heard heardBody
	if err := json.Unmarshal(text, &heard); err != nil {
		return nil, err
	}
	b := heard.body()
	if err := b.check(requests); err != nil {
		return nil, err
	}
	h := newHourUse(hour)
	h.To, h.Seen.Registers, h.Users = clamp(b.To, hour, hour.Add(hourTime)), b.Seen, Heavy{List: b.Users, Least: b.Least}
	slices.SortFunc(h.Users.List, func(a, b *User) int { return cmp.Compare(a.Count, b.Count) })
	for _, s := range b.Served {
		h.Served[s.Served] = s.Use
	}
	return h, nil
}

func clamp(at, from, to time.Time) time.Time {
	switch {
	case at.Before(from):
		return from
	case at.After(to):
		return to
	}
	return at.UTC()
}

// check refuses what no gateway could have counted.
func (b *body) check(requests uint64) error {
	switch {
	case requests > mostCount:
		return fmt.Errorf("%d requests are beyond all reason", requests)
	case len(b.Users) > mostUsersTold, b.Least > requests:
		return errors.New("it has more users than are told of")
	case len(b.Served) > mostServed+mostOwners:
		return errors.New("it has more models than are told of")
	case len(b.Seen) != 0 && len(b.Seen) != registers, len(b.Seen) > 0 && slices.Max(b.Seen) > 64-registerBits+1:
		return errors.New("its users cannot be counted")
	}
	sum, known := uint64(0), map[Served]bool{}
	for _, s := range b.Served {
		if s.Use == nil || known[s.Served] || len(s.Upstream) > mostText || len(s.Model) > mostModel {
			return errors.New("it has a model twice, or one that is none")
		}
		known[s.Served] = true
		if err := s.Use.check(true); err != nil {
			return fmt.Errorf("model %q: %w", shorten(s.Model), err)
		}
		sum += s.Use.Requests
	}
	if sum != requests {
		return fmt.Errorf("its models have %d requests together, and it says %d", sum, requests)
	}
	users := map[UserID]bool{}
	for _, u := range b.Users {
		if !u.ID.tellable() || users[u.ID] || u.Over > u.Count || u.Count > requests || len(u.Models) > mostModels+1 {
			return errors.New("it has a user twice, or one that is none")
		}
		users[u.ID] = true
		if !(u.Timeout >= 0 && u.Timeout < mostCount) {
			return errors.New("it has a user whose client waits for no time")
		}
		for i := range u.Models {
			if len(u.Models[i].Model) > mostModel {
				return errors.New("it has a model whose name is too long")
			}
			if err := u.Models[i].Use.check(false); err != nil {
				return fmt.Errorf("user %s: %w", u.ID, err)
			}
		}
	}
	return nil
}

// check refuses counts that do not go together.
func (u *Use) check(fine bool) error {
	for _, n := range []uint64{u.PromptTokens, u.CachedTokens, u.CompletionTokens, u.PromptBytes, u.AnswerBytes, u.Requests} {
		if n > mostCount {
			return fmt.Errorf("%d is beyond all reason", n)
		}
	}
	if max(u.Errors, u.Aborts, u.Retries) > u.Requests || !(u.Service >= 0 && u.Service < mostCount) {
		return errors.New("its counts do not go together")
	}
	for _, s := range []*Sketch{&u.Response, &u.FirstByte, &u.Left} {
		if s.N = 0; s.Fine != fine {
			return errors.New("its times have another grain")
		}
		if len(s.Bins) == 0 {
			continue
		}
		width := s.width()
		low, high := math.Log(leastValue)/width-2*room, math.Log(mostValue)/width+2*room
		if float64(s.Low) < low || float64(s.Low)+float64(len(s.Bins)) > high {
			return errors.New("its times are beyond all reason")
		}
		for _, n := range s.Bins {
			s.N += uint64(n)
		}
		if s.N > u.Requests {
			return errors.New("it has more times than requests")
		}
	}
	return nil
}

// tellable says whether a user's name is one that gateways tell each other.
func (id UserID) tellable() bool {
	return id != "" && len(id) <= mostName+16 && isHarmless(string(id))
}

// shorten bounds foreign text in a message.
func shorten(text string) string { return text[:min(len(text), 60)] }
