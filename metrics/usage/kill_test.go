package usage

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// childFolder, in the environment, makes this program one that only writes rows there, until it is killed.
const childFolder, childBegin = "STEELYARD_USAGE_CHILD", "STEELYARD_USAGE_BEGIN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childFolder); dir != "" {
		writeRows(dir)
		return
	}
	os.Exit(m.Run())
}

// numbered is the row of a number.
func numbered(n int) Row {
	r := fullRow(n % 1000)
	r.PromptBytes = n
	r.At = time.Unix(1_764_500_000, int64(n)*int64(time.Millisecond))
	return r
}

// writeRows adds rows without end, writes them now and then as Run does each second, and prints how many are on the disk by
// its word.
func writeRows(dir string) {
	n, err := strconv.Atoi(os.Getenv(childBegin))
	if err != nil {
		panic(err)
	}
	b := Open(Options{Dir: dir, Days: 3650, MaxBytes: 1 << 30, Told: func(cause string, _ int64) { panic(cause) }})
	now := time.Now()
	for step := 0; ; step++ {
		for range 1 + step%40 {
			r := numbered(n)
			put(b, &r)
			n++
		}
		now = now.Add(writeEvery)
		b.store.step(now)
		fmt.Println(n)
	}
}

// TestKilledAtAnyMoment: of a process that is killed fifty times (by make e2e; ten times else) all rows are there that were written before, each as it was, and no
// other; and the next one counts each once.
func TestKilledAtAnyMoment(t *testing.T) {
	dir := t.TempDir()
	next, total, kills := 0, 0, 10
	if os.Getenv("E2E") != "" {
		kills = 50
	}
	for range kills {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childFolder+"="+dir, fmt.Sprintf("%s=%d", childBegin, next))
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		lines, written := bufio.NewScanner(out), next
		after := rand.IntN(60)
		for i := 0; i < after && lines.Scan(); i++ {
		}
		killed := time.AfterFunc(time.Duration(rand.IntN(2000))*time.Microsecond, func() { _ = child.Process.Kill() })
		for lines.Scan() {
			if n, err := strconv.Atoi(lines.Text()); err == nil { // else it was cut
				written = max(written, n)
			}
		}
		killed.Stop()
		require.Error(t, child.Wait())

		seen := map[int]bool{}
		_, err = ReadDir(dir, time.Time{}, time.Time{}, func(r *Row) {
			want := numbered(r.PromptBytes)
			require.True(t, want.At.Equal(r.At))
			want.At, r.At = time.Time{}, time.Time{}
			require.Equal(t, want, *r)
			require.False(t, seen[r.PromptBytes])
			seen[r.PromptBytes] = true
		})
		require.NoError(t, err)
		for n := next; n < written; n++ {
			require.True(t, seen[n], "row %d was on the disk", n)
		}
		for next = written; seen[next]; next++ { // written, but not told of any more
		}
		total = len(seen)
		require.Equal(t, next, total)
	}
	b := Open(Options{Dir: dir, Days: 3650, MaxBytes: 1 << 30})
	b.store.step(time.Now())
	report, err := b.Report(Question{By: ByUpstream, Now: time.Now()})
	require.NoError(t, err)
	require.EqualValues(t, total, report.Lines[0].Requests)
	t.Logf("%d rows, each there once", total)
}
