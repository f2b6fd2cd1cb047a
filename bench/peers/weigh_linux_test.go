package peers

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The test binary plays a steelyard: it has a version, and serves on a configuration that is nothing but an address,
// listening there until it is killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "version" {
		fmt.Println("actor 1.0")
		os.Exit(0)
	}
	if len(os.Args) > 3 && os.Args[1] == "serve" {
		text, err := os.ReadFile(os.Args[3])
		if err == nil {
			var l net.Listener
			if l, err = net.Listen("tcp", string(text)); err == nil {
				_, err = l.Accept()
				select {} // deaf to everything but a signal
			}
		}
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestStartWeighStop(t *testing.T) {
	actor, err := Ours(t.Context(), os.Args[0])
	require.NoError(t, err)
	require.Equal(t, "actor 1.0", actor.Version)
	actor.config = template.Must(template.New("actor").Parse("{{.Listen}}"))
	var own unix.CPUSet
	require.NoError(t, unix.SchedGetaffinity(0, &own))
	core := 0 // the first that this test may run on
	for !own.IsSet(core) {
		core++
	}
	p, err := actor.Start(t.Context(), Plan{Dir: t.TempDir(), Begin: OnCore(core)})
	require.NoError(t, err)
	t.Cleanup(p.Stop)
	pid := p.PID()

	var cores unix.CPUSet
	require.NoError(t, unix.SchedGetaffinity(pid, &cores))
	require.Equal(t, 1, cores.Count())
	require.True(t, cores.IsSet(core))
	require.NoError(t, unix.SchedGetaffinity(0, &own))
	require.NotZero(t, own.Count(), "ours is what it was")

	cpu, err := p.CPU()
	require.NoError(t, err)
	require.Positive(t, cpu)
	require.Less(t, cpu, time.Minute)
	memory, err := p.Memory()
	require.NoError(t, err)
	require.Greater(t, memory.RSS, int64(100<<10))
	require.LessOrEqual(t, memory.PSS, memory.RSS)
	_, err = p.Waited()
	require.NoError(t, err)

	p.Stop()
	require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
	_, err = p.CPU()
	require.ErrorContains(t, err, "read CPU time of steelyard: read CPU clock of process")
	_, err = p.Memory()
	require.ErrorContains(t, err, "read memory of steelyard")
}

func TestCPUOfOurselvesGrows(t *testing.T) {
	before, err := CPU(os.Getpid())
	require.NoError(t, err)
	for sum := 0; ; sum++ {
		after, err := CPU(os.Getpid())
		require.NoError(t, err)
		if after > before+time.Millisecond {
			return
		}
		require.Less(t, sum, 100_000_000, "the clock stands still")
	}
}

func TestOursMustBeThere(t *testing.T) {
	_, err := Ours(t.Context(), filepath.Join(t.TempDir(), "absent"))
	require.ErrorContains(t, err, "absent")
}

func TestParseRollup(t *testing.T) {
	got, err := parseRollup("5610e0d24000-7ffe5826b000 ---p 00000000 00:00 0   [rollup]\n" +
		"Rss:                1696 kB\nPss:                 356 kB\nPss_Dirty:           112 kB\n")
	require.NoError(t, err)
	require.Equal(t, Memory{RSS: 1696 << 10, PSS: 356 << 10}, got)
	_, err = parseRollup("Rss: 12 kB\n")
	require.ErrorContains(t, err, "no Rss or Pss")
}
