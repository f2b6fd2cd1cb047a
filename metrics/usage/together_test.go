package usage

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bookOf opens the book of a gateway, in a folder or in memory.
func bookOf(name, dir string) *Book {
	return Open(Options{Dir: dir, Days: 30, MaxBytes: 1 << 30, Sharing: &Sharing{Name: name, Begun: time.Now(), Names: "hash 1"}})
}

// tellAll has each book tell the others once.
func tellAll(t *testing.T, books ...*Book) {
	t.Helper()
	for _, from := range books {
		text := from.Tell(time.Now())
		require.LessOrEqual(t, len(text), MostPage)
		for _, to := range books {
			if to != from {
				require.NoError(t, to.Hear(text, time.Now()))
			}
		}
	}
}

func ask(t *testing.T, b *Book, q Question) (report Report, requests map[string]uint64) {
	t.Helper()
	q.Now = time.Now()
	report, err := b.Report(q)
	require.NoError(t, err)
	requests = map[string]uint64{}
	for _, l := range report.Lines {
		requests[l.Key] = l.Requests
	}
	return report, requests
}

// use adds n requests of a user that have just ended.
func use(b *Book, user UserID, n int) {
	for range n {
		b.Add([]Row{*rowAt(time.Now(), user)})
	}
}

// Each gateway answers for all, says for which and how old, and for itself alone where that is asked.
func TestGatewaysAnswerForAllTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := bookOf("a", ""), bookOf("b", "")
		use(a, "user:1", 3)
		use(b, "user:1", 4)
		use(b, "user:2", 5)
		tellAll(t, a, b)
		time.Sleep(5 * time.Second)
		for _, one := range []*Book{a, b} {
			report, by := ask(t, one, Question{By: ByUser})
			assert.Equal(t, map[string]uint64{"user:1": 7, "user:2": 5}, by)
			require.Len(t, report.Gateways, 2)
			assert.True(t, report.Gateways[0].Self)
			assert.InDelta(t, 5, report.Gateways[1].Age, 0.1)
			assert.Equal(t, 1, report.Gateways[1].Hours)
			assert.False(t, report.Gateways[1].OwnNames)
			_, by = ask(t, one, Question{By: ByModel})
			assert.Equal(t, map[string]uint64{rowAt(time.Now(), "").Model: 12}, by)
			report, _ = ask(t, one, Question{By: ByHour})
			require.Len(t, report.Lines, 1)
			assert.EqualValues(t, 12, report.Lines[0].Requests)
			assert.EqualValues(t, 2, report.Lines[0].Users, "who asked both is one")
			assert.InDelta(t, 1, report.Lines[0].ResponseP50, 0.06)
		}
		report, by := ask(t, a, Question{By: ByUser, Alone: true})
		assert.Equal(t, map[string]uint64{"user:1": 3}, by)
		assert.Empty(t, report.Gateways)
		_, by = ask(t, a, Question{By: ByUser, From: time.Now().Add(-time.Minute)})
		assert.Equal(t, map[string]uint64{"user:1": 7, "user:2": 5}, by)
		_, by = ask(t, a, Question{By: ByUser, To: time.Now().Add(-24 * time.Hour)})
		assert.Empty(t, by)
	})
}

// Whatever is told twice, by whomever, counts once: a gateway that starts again with its files goes on with the hour it had, and one without
// files begins anew.
func TestNothingCountsTwice(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "usage")
	synctest.Test(t, func(t *testing.T) {
		a, b, c := bookOf("a", ""), bookOf("b", dir), bookOf("c", "")
		use(b, "user:1", 4)
		for range 3 {
			tellAll(t, a, b, c)
		}
		b.Own(false)
		b = bookOf("b", dir)
		tellAll(t, a, b, c)
		use(b, "user:1", 1)
		tellAll(t, a, b, c)
		use(c, "user:2", 2)
		tellAll(t, a, b, c)
		time.Sleep(time.Second)
		c = bookOf("c", "")
		use(c, "user:2", 1)
		tellAll(t, a, b, c)
		for _, one := range []*Book{a, b, c} {
			time.Sleep(answerAge)
			_, by := ask(t, one, Question{By: ByUser})
			assert.Equal(t, map[string]uint64{"user:1": 5, "user:2": 3}, by)
		}
		b.Own(false)
		b = bookOf("b", dir)
		_, by := ask(t, b, Question{By: ByUser})
		assert.Equal(t, map[string]uint64{"user:1": 5, "user:2": 3}, by, "what others told outlives a restart")
	})
}

// One that starts late hears of all hours, also of a gateway that has gone, a part each time.
func TestAllHoursAreToldInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := bookOf("a", ""), bookOf("b", "")
		for hour := range 30 {
			for i := range 100 {
				use(a, UserID(fmt.Sprintf("user:%d %x", i, hour*hour*7919)), 1)
			}
			use(a, "user:1", 1)
			tellAll(t, a, b)
			time.Sleep(time.Hour)
		}
		c := bookOf("c", "")
		for range 20 {
			tellAll(t, b, c)
		}
		report, by := ask(t, c, Question{By: ByUser, From: time.Now().Add(-40 * time.Hour), Most: 1000})
		assert.Equal(t, 30, report.Gateways[1].Hours)
		assert.GreaterOrEqual(t, by["user:1"], uint64(30))
		_, by = ask(t, c, Question{By: ByModel, From: time.Now().Add(-40 * time.Hour)})
		assert.Equal(t, map[string]uint64{rowAt(time.Now(), "").Model: 30 * 101}, by)
		time.Sleep(hoursTold)
		require.NotNil(t, b.Tell(time.Now()))
		assert.Empty(t, b.together.kept)
		assert.Zero(t, b.together.bytes)
	})
}

// A user that is forgotten at one gateway is forgotten at all, also by documents that come later and by one that was away; and once only.
func TestUsersAreForgottenEverywhere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "usage")
	synctest.Test(t, func(t *testing.T) {
		a, b, away := bookOf("a", ""), bookOf("b", dir), bookOf("away", "")
		for _, one := range []*Book{a, b, away} {
			use(one, "user:1", 2)
			use(one, "user:2", 1)
		}
		tellAll(t, a, b, away)
		time.Sleep(time.Second)
		_, known, err := a.Forget("user:1")
		require.NoError(t, err)
		require.True(t, known)
		tellAll(t, a, b)
		late := away.Tell(time.Now())
		for _, one := range []*Book{a, b} {
			require.NoError(t, one.Hear(late, time.Now()))
			_, by := ask(t, one, Question{By: ByUser})
			assert.Equal(t, map[string]uint64{"user:2": 3}, by)
			_, by = ask(t, one, Question{By: ByModel})
			assert.Equal(t, map[string]uint64{rowAt(time.Now(), "").Model: 9}, by, "its requests count, as nobody's")
		}
		b.Own(false)
		report, err := Scan(dir, Question{By: ByUser, Now: time.Now()})
		require.NoError(t, err)
		require.Len(t, report.Lines, 1)
		assert.EqualValues(t, "user:2", report.Lines[0].Key)
		time.Sleep(time.Hour)
		tellAll(t, b, away)
		_, by := ask(t, away, Question{By: ByUser})
		assert.Equal(t, map[string]uint64{"user:2": 3}, by)
		use(b, "user:1", 1)
		b = bookOf("b", dir)
		use(b, "user:1", 1)
		tellAll(t, away, b)
		_, by = ask(t, b, Question{By: ByUser})
		assert.EqualValues(t, 1, by["user:1"], "who asks again is known again, and the same word forgets no more")
	})
}

// What no gateway could have counted is refused, and what is refused leaves no trace.
func TestDocumentsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := bookOf("other", "")
		use(good, "user:1", 3)
		var p page
		require.NoError(t, json.Unmarshal(good.Tell(time.Now()), &p))
		original := p.Documents[0]
		h, err := unpack(original.Body, time.Unix(original.Hour, 0), original.Requests)
		require.NoError(t, err)
		with := func(change func(h *HourUse)) []byte {
			c := h.clone()
			change(c)
			text, err := c.text(mostUsersTold+1, mostServed)
			require.NoError(t, err)
			return squeeze(text)
		}
		someUse := func(h *HourUse) *Use {
			for _, u := range h.Served {
				return u
			}
			return nil
		}
		for name, change := range map[string]func(d *Document){
			"nobody":           func(d *Document) { d.Book = "" },
			"harmful name":     func(d *Document) { d.Name = "a\nb" },
			"long name":        func(d *Document) { d.Name = strings.Repeat("x", 1000) },
			"to come":          func(d *Document) { d.Hour += 3 * 3600 },
			"no hour":          func(d *Document) { d.Hour++ },
			"more requests":    func(d *Document) { d.Requests = math.MaxUint64 },
			"no document":      func(d *Document) { d.Body = []byte("x") },
			"not JSON":         func(d *Document) { d.Body = squeeze([]byte("{")) },
			"too large":        func(d *Document) { d.Body = make([]byte, mostBody+1) },
			"a bomb":           func(d *Document) { d.Body = squeeze(make([]byte, 8<<20)) },
			"errors":           func(d *Document) { d.Body = with(func(h *HourUse) { someUse(h).Errors = 9 }) },
			"tokens":           func(d *Document) { d.Body = with(func(h *HourUse) { someUse(h).PromptTokens = math.MaxUint64 }) },
			"seconds":          func(d *Document) { d.Body = with(func(h *HourUse) { someUse(h).Service = -1 }) },
			"times":            func(d *Document) { d.Body = with(func(h *HourUse) { someUse(h).Response.Bins[0] = 1 << 30 }) },
			"times of no time": func(d *Document) { d.Body = with(func(h *HourUse) { someUse(h).Response.Low = math.MaxInt32 - 1000 }) },
			"users":            func(d *Document) { d.Body = with(func(h *HourUse) { h.Users.List[0].Count = 9 }) },
			"a user twice": func(d *Document) {
				d.Body = with(func(h *HourUse) { h.Users.List = append(h.Users.List, h.Users.List[0]) })
			},
			"registers": func(d *Document) { d.Body = with(func(h *HourUse) { h.Seen.Registers = h.Seen.Registers[:7] }) },
		} {
			b, d := bookOf("a", ""), original
			change(&d)
			text, err := json.Marshal(page{Form: pageForm, Documents: []Document{d, original}})
			require.NoError(t, err)
			require.Error(t, b.Hear(text, time.Now()), name)
			_, by := ask(t, b, Question{By: ByUser})
			assert.Equal(t, map[string]uint64{"user:1": 3}, by, "%s: the rest is taken", name)
		}
		b := bookOf("a", "")
		for _, text := range []string{"", "x", `{"form":2}`, strings.Repeat(" ", MostPage+1)} {
			require.Error(t, b.Hear([]byte(text), time.Now()))
		}
		stale := original
		stale.Hour -= 8 * 24 * 3600
		text, err := json.Marshal(page{Form: pageForm, Documents: []Document{stale}, Forgotten: []Forgotten{{}, {ID: "x"}, {ID: "y", User: UserID(strings.Repeat("x", 1000))}}})
		require.NoError(t, err)
		require.NoError(t, b.Hear(text, time.Now()))
		assert.Empty(t, b.together.kept)
		assert.Empty(t, b.together.forgets)
	})
}

// However many users and models there are, a document fits, and says what it leaves out.
func TestDocumentsFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := bookOf("a", ""), bookOf("b", "")
		for i := range 2000 {
			r := rowAt(time.Now(), UserID(fmt.Sprintf("key:%012x", mixed(uint64(i)))))
			r.Model, r.Response, r.FirstByte = fmt.Sprintf("model-%x", mixed(uint64(i%97))), time.Duration(1+mixed(uint64(i))%1e11), time.Duration(1+mixed(uint64(i))%1e10)
			a.Add([]Row{*r})
		}
		tellAll(t, a, b)
		report, by := ask(t, b, Question{By: ByUpstream})
		assert.Len(t, report.Gateways, 2)
		for _, n := range by {
			assert.EqualValues(t, 2000, n)
		}
		report, _ = ask(t, b, Question{By: ByUser})
		assert.LessOrEqual(t, len(report.Lines), len(b.together.kept)*mostUsersTold)
	})
}
