package demo

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	serveIfStarted()
	// The cleaner of fasthttp's workers outlives its server by up to its idle duration, 10 s.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

var update = flag.Bool("update", false, "write the golden files anew")

func requireGolden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// fixed readings: three endpoints, the last of which is out.
func fixed(requests ...float64) []reading {
	readings := []reading{
		{name: "small", capacity: 100, share: 1.0 / 3, inFlight: 7, health: "up"},
		{name: "large", capacity: 200, share: 2.0 / 3, inFlight: 12, health: "up"},
		{name: "medium", capacity: 150, health: "OUT, probe failed 4 s: status 503", out: true},
	}
	for i := range readings {
		readings[i].requests = requests[i]
		readings[i].responses = requests[i]
		readings[i].responseSeconds = requests[i] * 0.1 * float64(i+1)
	}
	return readings
}

func TestPictures(t *testing.T) {
	var w window
	start := time.Now()
	rows, perSecond := w.add(start, fixed(0, 0, 0))
	empty := table(rows, perSecond)
	rows, perSecond = w.add(start.Add(2*time.Second), fixed(60, 120, 20))
	full := table(rows, perSecond)
	full = append(full, "", plain(2*time.Second, rows, perSecond))
	requireGolden(t, "table.txt", strings.Join(append(append(empty, ""), full...), "\n")+"\n")
}

// The measured columns look back five seconds, the total to the start.
func TestWindowSlides(t *testing.T) {
	var w window
	start := time.Now()
	// In the first ten seconds only small is asked, then only large, 10 requests a second.
	for second := range 10 {
		w.add(start.Add(time.Duration(second)*time.Second), fixed(float64(10*second), 0, 0))
	}
	var rows []row
	var perSecond float64
	at := func(second int) {
		rows, perSecond = w.add(start.Add(time.Duration(second)*time.Second), fixed(90, float64(10*(second-9)), 0))
	}
	at(10)
	require.InDelta(t, 40.0/50, rows[0].measured, 1e-9)
	require.InDelta(t, 10.0/50, rows[1].measured, 1e-9)
	for second := 11; second <= 14; second++ {
		at(second)
	}
	require.Zero(t, rows[0].measured)
	require.Zero(t, rows[0].mean)
	require.InDelta(t, 1, rows[1].measured, 1e-9)
	require.Equal(t, 200*time.Millisecond, rows[1].mean)
	require.InDelta(t, 90.0/140, rows[0].total, 1e-9)
	require.InDelta(t, 10, perSecond, 1e-9)
	require.LessOrEqual(t, len(w.samples), 6, "old samples are dropped")
}
