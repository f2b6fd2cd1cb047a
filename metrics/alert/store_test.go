package alert

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path)
	require.NoError(t, err)
	return s
}

// stateFile is one where a write costs nothing: an hour of virtual time has hundreds.
func stateFile(t *testing.T) string {
	folder, err := os.MkdirTemp("/dev/shm", "alerts")
	if err != nil {
		folder = t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return filepath.Join(folder, "alerts.json")
}

func TestSectionsAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alerts.json")
	s := open(t, path)
	assert.Nil(t, s.Get("a"))
	require.NoError(t, s.Put("a", json.RawMessage(`{"x":1}`)))
	require.NoError(t, s.Put("b", json.RawMessage(`[2]`)))
	again := open(t, path)
	assert.JSONEq(t, `{"x":1}`, string(again.Get("a")))
	assert.JSONEq(t, `[2]`, string(again.Get("b")))
	memory := open(t, "")
	require.NoError(t, memory.Put("a", json.RawMessage(`1`)))
	assert.Equal(t, "1", string(memory.Get("a")))
}

func TestManyPutAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alerts.json")
	s := open(t, path)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			name := string(rune('a' + i))
			for range 5 {
				assert.NoError(t, s.Put(name, json.RawMessage(`"`+name+`"`)))
				assert.Contains(t, string(open(t, path).Get(name)), name, "on the disk when Put has returned")
			}
		})
	}
	all.Wait()
}

func TestADamagedFileIsMovedAside(t *testing.T) {
	for _, text := range []string{"", "{", `{"steelyard":"other"}`, strings.Repeat("\x00", 100), `[]`} {
		folder := t.TempDir()
		path := filepath.Join(folder, "alerts.json")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		s := open(t, path)
		require.ErrorContains(t, s.Damaged(), "moved to "+path+".damaged-1")
		require.NoError(t, s.Put("a", json.RawMessage(`1`)))
		aside, err := os.ReadFile(path + ".damaged-1")
		require.NoError(t, err)
		assert.Equal(t, text, string(aside))
		assert.Equal(t, "1", string(open(t, path).Get("a")))
	}
}

func TestAFolderThatIsNotThere(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "no", "alerts.json"))
	require.ErrorContains(t, s.Put("a", json.RawMessage(`1`)), "write alerts.state_file")
	assert.Equal(t, "1", string(s.Get("a")), "it goes on in memory")
}

// TestAnotherProcessHasTheFile: what is put meanwhile is written once it is ours again.
func TestAnotherProcessHasTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alerts.json")
	s := open(t, path)
	require.NoError(t, s.Put("a", json.RawMessage(`1`)))
	require.NoError(t, s.Own(false))
	require.NoError(t, s.Put("a", json.RawMessage(`2`)))
	assert.Equal(t, "1", string(open(t, path).Get("a")))
	require.NoError(t, s.Own(true))
	assert.Equal(t, "2", string(open(t, path).Get("a")))
}

// TestARestartForgetsNothing: what fires goes on firing and is not told again, what was pending goes on.
func TestARestartForgetsNothing(t *testing.T) {
	path := stateFile(t)
	long := queueLong()
	long.Name, long.For = "queue-longer", 10*time.Minute
	b := newBench(t, open(t, path), queueLong(), long)
	b.series[queue] = 60
	b.run(8 * time.Minute)
	require.Equal(t, "firing queue-long", b.said())
	started := b.Alerts()[0].StartsAt

	b.now = b.now.Add(30 * time.Second)
	b.start(open(t, path), queueLong(), long) // the old one was killed
	require.Len(t, b.Alerts(), 2, "before the first step too")
	assert.Equal(t, []any{Firing, started, "queue-long"}, []any{b.Alerts()[0].State, b.Alerts()[0].StartsAt, b.Alerts()[0].Name})
	b.run(time.Minute)
	assert.Empty(t, b.said())
	b.run(90 * time.Second)
	assert.Equal(t, "firing queue-longer", b.said(), "8 of its 10 minutes were over")
	b.series[queue] = 0
	b.run(10 * time.Second)
	assert.Equal(t, "inactive queue-long, inactive queue-longer", sorted(b.said()))
	b.start(open(t, path), queueLong(), long)
	b.run(time.Minute)
	assert.Empty(t, b.said())
}

func sorted(said string) string {
	if a, b, two := strings.Cut(said, ", "); two && b < a {
		return b + ", " + a
	}
	return said
}

// TestARestartIsNoRecovery: a rule that looks back cannot say that all is well before it has looked back.
func TestARestartIsNoRecovery(t *testing.T) {
	path := stateFile(t)
	r := Rule{Name: "delta", On: OnEndpoint, Metric: "steelyard_truncated_answers_total", Fn: Delta, Over: 5 * time.Minute}
	b := newBench(t, open(t, path), r)
	b.series[truncated] = 0
	b.run(time.Minute)
	b.series[truncated] = 4
	b.run(time.Minute)
	require.Equal(t, "firing delta a", b.said())
	b.series[truncated] = 0
	b.start(open(t, path), r)
	b.run(5 * time.Minute)
	assert.Empty(t, b.said())
	b.run(10 * time.Second)
	assert.Equal(t, "inactive delta a", b.said())
}

func TestWhatIsOldOrGoneAfterARestart(t *testing.T) {
	path := stateFile(t)
	b := newBench(t, open(t, path), queueLong())
	b.series[queue] = 60
	b.run(3 * time.Hour)
	require.Equal(t, "firing queue-long", b.said())

	b.now = b.now.Add(59 * time.Minute)
	b.start(open(t, path))
	b.run(10 * time.Second)
	assert.Equal(t, "inactive queue-long (rule removed)", b.said())

	b = newBench(t, open(t, path), queueLong())
	b.series[queue] = 60
	b.run(3 * time.Hour)
	b.subjects = []Subject{{Upstream: "other"}}
	b.start(open(t, path), queueLong())
	b.said()
	b.run(10 * time.Second)
	assert.Equal(t, "inactive queue-long (removed)", b.said())

	b = newBench(t, open(t, path), queueLong())
	b.series[queue] = 60
	b.run(3 * time.Hour)
	b.now = b.now.Add(61 * time.Minute)
	b.start(open(t, path), queueLong())
	assert.Empty(t, b.Alerts(), "what fired an hour ago says little of now")
}

// TestWindowsOutliveARestart, so that three days are three days.
func TestWindowsOutliveARestart(t *testing.T) {
	path := stateFile(t)
	slo := SLO{Name: "answers", Objective: 0.99, Period: month}
	b := burnBench(t, open(t, path), slo)
	b.serve(time.Hour, 10, 0, "")
	b.serve(4*time.Minute, 0, 10, "")
	require.NotContains(t, b.said(), "1h", "not yet")
	b.series[good], b.series[errors5xx] = 0, 0
	b.now = b.now.Add(time.Minute)
	b.start(open(t, path))
	b.Configure(Plan{SLOs: []SLO{slo}})
	b.run(10 * time.Second)
	took := b.serve(time.Hour, 0, 10, "firing answers-burn-1h")
	assert.Contains(t, b.said(), "firing answers-burn-1h")
	assert.Less(t, took, 6*time.Minute)
	assert.Empty(t, b.Alerts()[0].Note, "the hour is full")
}

// TestNothingIsWrittenWhenNothingIsAmiss for half an hour: a file that is written for ever wears a disk.
func TestNothingIsWrittenWhenNothingIsAmiss(t *testing.T) {
	path := stateFile(t)
	b := newBench(t, open(t, path), queueLong())
	b.series[queue] = 60
	b.run(2 * time.Minute)
	b.series[queue] = 0
	b.run(31 * time.Minute)
	require.Equal(t, "firing queue-long, inactive queue-long", b.said())
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	b.run(time.Hour)
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after))
	b.start(open(t, path), queueLong())
	assert.Empty(t, b.Alerts())
}

// TestFlappingOutlivesARestart, or a crash would end the silence.
func TestFlappingOutlivesARestart(t *testing.T) {
	path := stateFile(t)
	r := queueLong()
	r.For = 0
	b := newBench(t, open(t, path), r)
	for i := range 7 {
		b.series[queue] = float64(60 * ((i + 1) % 2))
		b.run(time.Minute)
	}
	require.Contains(t, b.said(), "flaps")
	b.start(open(t, path), r)
	require.True(t, b.Alerts()[0].Flapping)
	b.series[queue] = 0
	b.run(calmAfter)
	assert.Empty(t, b.said())
	b.run(20 * time.Second)
	assert.Equal(t, "inactive queue-long", b.said())
}
