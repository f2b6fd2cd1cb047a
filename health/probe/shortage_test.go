package probe

import (
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// That no descriptor is left for a probe says nothing of the endpoint.
func TestProbeThatCannotBeMadeSaysNothing(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	observed, told := 0, 0
	p := New(Options{
		UnhealthyThreshold: 1, Timeout: time.Minute, Path: "/",
		Sink:    sinkFunc(func(State, string) { told++ }),
		Observe: func(Result, time.Duration) { observed++ },
	}, Target{Name: "a", Network: "tcp", Address: ln.Addr().String()})

	var before syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before))
	next, err := os.Open(os.DevNull) // has the lowest number that is free
	require.NoError(t, err)
	none := before
	none.Cur = uint64(next.Fd())
	require.NoError(t, next.Close())
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none))
	var taken []*os.File // what tests before this one still had open may have got free meanwhile
	for f, err := os.Open(os.DevNull); err == nil; f, err = os.Open(os.DevNull) {
		taken = append(taken, f)
	}
	defer func() {
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before)
		for _, f := range taken {
			_ = f.Close()
		}
	}()
	p.First(t.Context())
	require.Equal(t, Unknown, p.Report().State)
	require.Zero(t, observed+told)
}

type sinkFunc func(State, string)

func (f sinkFunc) SetProbe(s State, reason string) { f(s, reason) }
