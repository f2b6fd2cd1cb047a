package command

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
)

var order = autoscale.Order{ID: "id-7", Upstream: "chat", From: 2, To: 4, Victims: []string{"a", "b"}, Reason: "work\nwaits"}

func shell(script string, args ...string) []string {
	return append([]string{"sh", "-c", script, "sh"}, args...)
}

func TestAnOrderIsARun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "runs")
	a := New(Options{
		Upstream: "chat", Timeout: time.Minute, Env: []string{"MORE=x=y"},
		Args: shell(`echo "$@ $SCALE_ID $SCALE_UPSTREAM $SCALE_FROM $SCALE_TO $SCALE_VICTIMS $SCALE_REASON $MORE" >> "$0"`, "{id}", "{upstream}:{from}-{to}", "{victims}"),
	})
	a.o.Args[3] = file
	require.NoError(t, a.Scale(t.Context(), order))
	require.NoError(t, a.Scale(t.Context(), order), "the same order does nothing more")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "id-7 chat:2-4 a,b id-7 chat 2 4 a,b work waits x=y\n", string(text))
	_, err = a.Count(t.Context())
	require.ErrorIs(t, err, autoscale.ErrUnknown)
}

func TestARunThatFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "runs")
	a := New(Options{Timeout: time.Minute, Args: shell(`echo x >> "$1"; echo no quota >&2; exit 75`, file)})
	for range 2 {
		err := a.Scale(t.Context(), order)
		require.EqualError(t, err, `run the command of the actuator: it ended with exit status 75: it wrote "no quota"`)
	}
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "x\nx\n", string(text), "it is tried again")

	a = New(Options{Timeout: time.Minute, Args: shell(`echo x >> "$1"; echo no such pool; exit 64`, file)})
	for range 2 {
		refused, is := errors.AsType[*autoscale.Refused](a.Scale(t.Context(), order))
		require.True(t, is)
		require.Equal(t, `the command refuses the order (exit status 64): it wrote "no such pool"`, refused.Reason)
	}
	text, err = os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "x\nx\nx\n", string(text), "and this not")
}

// TestARunThatHangs is bounded by its time, by the order's deadline and by whoever asks.
func TestARunThatHangs(t *testing.T) {
	hangs := shell(`while :; do sleep 1; done`)
	late := order
	late.Deadline = time.Now().Add(10 * time.Millisecond)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		timeout time.Duration
		o       autoscale.Order
		ctx     context.Context
	}{{10 * time.Millisecond, order, t.Context()}, {time.Hour, late, t.Context()}, {time.Hour, order, ended}} {
		require.Error(t, New(Options{Timeout: c.timeout, Args: hangs}).Scale(c.ctx, c.o))
	}
	_, err := New(Options{Timeout: 10 * time.Millisecond, CountArgs: hangs}).Count(t.Context())
	require.ErrorContains(t, err, "it took too long")
}

func TestTheCountIsWhatAProgramPrints(t *testing.T) {
	count := func(script string) (autoscale.Count, error) {
		return New(Options{Upstream: "chat", Timeout: time.Minute, CountArgs: shell(script, "{upstream}")}).Count(t.Context())
	}
	c, err := count(`echo a warning >&2; test "$1$SCALE_UPSTREAM" = chatchat && echo 3`)
	require.NoError(t, err)
	require.Equal(t, autoscale.Count{Wanted: 3, Running: 3}, c)
	c, err = count(`echo '{"wanted": 5, "running": 4}'`)
	require.NoError(t, err)
	require.Equal(t, 5, c.Wanted)
	_, err = count(`echo 3; echo away >&2; exit 1`)
	require.EqualError(t, err, `run the count command of the actuator: it ended with exit status 1: it wrote "away"`)
	_, err = count(`exit 0`)
	require.ErrorContains(t, err, "read the count", "nothing is not none")
}

// TestNamesThatAreMore than one name to a program, or to a shell, are not passed on.
func TestNamesThatAreMore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "runs")
	a := New(Options{Timeout: time.Minute, Args: shell(`echo "$2" >> "$1"`, file, "{victims}")})
	for _, name := range []string{"a,b", "$(reboot)", "a b", "-all", "a;b", "`x`", "ä"} {
		o := order
		o.ID, o.Victims = name, []string{"a", name}
		_, is := errors.AsType[*autoscale.Refused](a.Scale(t.Context(), o))
		require.True(t, is, name)
	}
	o := order
	o.ID, o.Victims = "last", []string{"[::1]:8000", "gpu-1.rack_2"}
	require.NoError(t, a.Scale(t.Context(), o))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "[::1]:8000,gpu-1.rack_2\n", string(text))
}
