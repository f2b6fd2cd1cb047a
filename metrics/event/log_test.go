package event

import (
	"encoding/json"
	"math"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestALogKeepsTheLastEvents(t *testing.T) {
	log := NewLog(nil)
	before := log.Newest()
	for range Kept + 5 {
		log.Publish(Event{Kind: Ejected, Endpoint: "small"})
	}
	events, missed := log.Since(before + 2)
	assert.Len(t, events, Kept)
	assert.EqualValues(t, 3, missed, "5 are gone, 2 of them were seen")
	for i, e := range events {
		require.Equal(t, before+6+uint64(i), e.ID, "IDs grow by one and none is left out")
		require.False(t, e.At.IsZero())
	}
	assert.EqualValues(t, Kept+5, log.Published(Ejected))
	assert.Zero(t, log.Published(Restored))
}

func TestAnIDOfAnotherRunShowsAllThatIsKept(t *testing.T) {
	log := NewLog(nil)
	log.Publish(Event{Kind: Ejected})
	for _, id := range []uint64{0, 7, log.Newest() + 1, math.MaxUint64} {
		events, missed := log.Since(id)
		assert.Len(t, events, 1, "after %d", id)
		assert.Zero(t, missed)
	}
}

func TestAFollowerHearsEachEventOnce(t *testing.T) {
	log := NewLog(nil)
	log.Publish(Event{Kind: Ejected})
	f := log.Follow(log.Newest())
	defer f.Close()
	log.Publish(Event{Kind: Restored})
	log.Publish(Event{Kind: Panic})
	<-f.News()
	events, missed := f.Take()
	require.Len(t, events, 2)
	assert.Equal(t, []Kind{Restored, Panic}, []Kind{events[0].Kind, events[1].Kind})
	assert.Zero(t, missed)
	events, _ = f.Take()
	assert.Empty(t, events)
}

func TestASlowFollowerIsToldWhatItMissed(t *testing.T) {
	log := NewLog(nil)
	f := log.Follow(log.Newest())
	defer f.Close()
	for range Kept + 40 {
		log.Publish(Event{Kind: Ejected})
	}
	events, missed := f.Take()
	assert.Len(t, events, Kept)
	assert.EqualValues(t, 40, missed)
}

func TestAClosedFollowerIsForgotten(t *testing.T) {
	log := NewLog(nil)
	f := log.Follow(0)
	f.Close()
	f.Close()
	assert.Empty(t, log.followers)
}

func TestANilLogPublishesNowhere(t *testing.T) {
	var log *Log
	log.Publish(Event{Kind: Ejected})
}

func TestWhoeverIsToldMayPublish(t *testing.T) {
	var log *Log
	var told []Event
	log = NewLog(func(e Event) {
		told = append(told, e)
		if e.Kind == Ejected {
			log.Publish(Event{Kind: Recovery})
		}
	})
	log.Publish(Event{Kind: Ejected})
	require.Len(t, told, 2)
	assert.NotZero(t, told[0].ID)
}

func TestPublishingIsSafeFromAnywhere(t *testing.T) {
	log := NewLog(nil)
	f := log.Follow(0)
	defer f.Close()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				log.Publish(Event{Kind: Ejected})
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	seen, last := uint64(0), uint64(0)
	read := func() {
		events, missed := f.Take()
		seen += uint64(len(events)) + missed
		for _, e := range events {
			assert.Greater(t, e.ID, last)
			last = e.ID
		}
	}
	for open := true; open; {
		select {
		case <-f.News():
			read()
		case <-done:
			open = false
		}
	}
	read()
	assert.EqualValues(t, 4000, seen, "each event is read or counted as missed")
}

func TestEveryKindHasAName(t *testing.T) {
	names := map[string]bool{}
	for _, k := range Kinds() {
		assert.NotEmpty(t, k.String())
		assert.NotEmpty(t, k.Says(), "%v", k)
		assert.False(t, names[k.String()], "%v twice", k)
		names[k.String()] = true
		again, err := ParseKind(k.String())
		require.NoError(t, err)
		assert.Equal(t, k, again)
	}
	_, err := ParseKind("eaten")
	assert.ErrorContains(t, err, `"eaten"`)
}

func TestEvidenceThatIsNoJSONIsLeftOut(t *testing.T) {
	text, err := json.Marshal(Event{Kind: Ejected, Cause: "slow", Evidence: map[string]any{"ratio": math.Inf(1)}})
	require.NoError(t, err)
	assert.Contains(t, string(text), `"kind":"ejected","severity":"warning"`)
	assert.Contains(t, string(text), `"left_out"`)
}

// A log that is closed keeps what it has, and takes no more.
func TestClose(t *testing.T) {
	told := 0
	l := NewLog(func(Event) { told++ })
	l.Publish(Event{Kind: Ejected})
	l.Close()
	l.Publish(Event{Kind: Restored})
	events, missed := l.Since(0)
	require.Len(t, events, 1)
	require.Zero(t, missed)
	require.Equal(t, 1, told)
	require.Zero(t, l.Published(Restored))
}
