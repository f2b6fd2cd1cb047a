package usage

import (
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// However many documents of a page are refused, what is said of them is short.
func TestRefusalsAreShort(t *testing.T) {
	b := bookOf("a", "")
	err := b.Hear([]byte(`{"form":1,"documents":[{}`+strings.Repeat(",{}", 300_000)+`]}`), time.Now())
	require.Error(t, err)
	assert.Less(t, len(err.Error()), 200)
	assert.Contains(t, err.Error(), "300000 other documents")
}

// A small document with very long lists costs no more than what it has unpacked.
func TestLongListsFillNoMemory(t *testing.T) {
	for name, form := range map[string]string{
		"models": `{"users":[{"ID":"u","Models":[{}%s]}]}`, "users": `{"users":[{}%s]}`, "served": `{"served":[{}%s]}`,
	} {
		packed := squeeze(fmt.Appendf(nil, form, strings.Repeat(",{}", (mostUnpacked-100)/3)))
		require.Less(t, len(packed), 5000)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := unpack(packed, time.Now(), 0)
		runtime.ReadMemStats(&after)
		require.Error(t, err, name)
		assert.Less(t, (after.TotalAlloc-before.TotalAlloc)>>20, uint64(64), "MiB for %s", name)
	}
}

// A page may always be heard, whatever names were told of or asked to be forgotten.
func TestForgottenFitIntoAPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := bookOf("a", ""), bookOf("b", "")
		for i := range 300 {
			odd := Forgotten{ID: fmt.Sprint(i) + strings.Repeat("\x01", 100), User: UserID(strings.Repeat("\x01", 250))}
			text, err := json.Marshal(page{Form: pageForm, Forgotten: []Forgotten{odd}})
			require.NoError(t, err)
			require.NoError(t, a.Hear(text, time.Now()))
			_, _, err = a.Forget(UserID(fmt.Sprint(i) + strings.Repeat("x", 6000)))
			require.NoError(t, err)
		}
		tellAll(t, a, b)
	})
}

// Who is forgotten while an hour is packed is not told of either.
func TestForgottenWhileItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bookOf("a", "")
		use(b, "user:1", 3)
		use(b, `user:<"2">`, 3)
		now := time.Now()
		b.Tell(now)
		require.Len(t, b.open, 1)
		hour := slices.Collect(maps.Keys(b.open))[0]
		stale := b.open[hour].clone()
		_, _, err := b.Forget("user:1")
		require.NoError(t, err)
		require.NoError(t, b.together.keepOurs(hour, stale, now))
		_, _, err = b.Forget(`user:<"2">`)
		require.NoError(t, err)
		k := b.together.kept[place{hour, b.together.book}]
		h, err := unpack(k.body, time.Unix(hour, 0), k.requests)
		require.NoError(t, err)
		assert.Empty(t, h.Users.List)
		assert.EqualValues(t, 6, h.requests())
	})
}

// Requests never wait for what other gateways are told, however long that takes.
func TestNobodyWaitsForWhatIsTold(t *testing.T) {
	b := bookOf("a", "")
	use(b, "user:1", 1)
	b.together.mu.Lock()
	told, added := make(chan struct{}), make(chan struct{})
	go func() { b.Tell(time.Now()); close(told) }()
	for range 10_000 {
		runtime.Gosched() // until it waits
	}
	go func() { use(b, "user:1", 1); close(added) }()
	select {
	case <-added:
	case <-time.After(time.Minute):
		t.Error("a row waits")
	}
	b.together.mu.Unlock()
	<-told
	<-added
}

// Many users that are forgotten at once are all out of files and documents, and nobody else is.
func TestManyForgottenAtOnce(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a, b := bookOf("a", ""), bookOf("b", dir)
		for i := range 50 {
			use(b, UserID(fmt.Sprintf("user:%d", i)), 2)
		}
		b.Own(false) // writes all
		tellAll(t, a, b)
		for i := range 49 {
			_, _, err := a.Forget(UserID(fmt.Sprintf("user:%d", i)))
			require.NoError(t, err)
		}
		tellAll(t, a, b)
		for _, one := range []*Book{a, b, bookOf("b", dir)} {
			time.Sleep(answerAge)
			_, by := ask(t, one, Question{By: ByUser})
			assert.Equal(t, map[string]uint64{"user:49": 2}, by)
		}
		kept := map[UserID]int{}
		_, err := ReadDir(dir, time.Time{}, time.Time{}, func(r *Row) { kept[r.User]++ })
		require.NoError(t, err)
		assert.Equal(t, map[UserID]int{"": 98, "user:49": 2}, kept)
	})
}
