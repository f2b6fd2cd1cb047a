package handover

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// role makes the test binary the new program.
const role = "HANDOVER_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(role) != "" {
		os.Exit(act(os.Getenv(role)))
	}
	os.Exit(m.Run())
}

// act is the new program, which may be a bad one.
func act(as string) int {
	from, err := Take()
	switch {
	case as == "dies" || err != nil || from == nil:
		return 3
	case as == "silent":
		_, _ = io.Copy(io.Discard, from.old)
		return 0
	}
	s, err := from.Ready()
	if err != nil || s.Load["a"] != 2 || len(s.Older) != 1 || s.Older[0]["a"] != 5 {
		return 4
	}
	if len(from.Kept) != 1 {
		return 8
	}
	kept := os.NewFile(uintptr(from.Kept[0].Descriptor), "")
	_, _ = io.WriteString(kept, from.Kept[0].Note)
	_ = kept.Close()
	from.Serving()
	file := os.NewFile(uintptr(from.Sockets[0].Descriptor), "")
	ln, err := net.FileListener(file)
	if err != nil {
		return 5
	}
	c, err := ln.Accept()
	if err != nil {
		return 6
	}
	sums, ended, waited := make(chan int64, 100), make(chan struct{}), make(chan struct{})
	var waiting sync.Once
	older := from.Follow(s, func(processes int, total State) {
		sums <- total.Load["a"]
		if total.Waiting["chat"] == 3 {
			waiting.Do(func() { close(waited) })
		}
		if processes == 0 {
			close(ended)
		}
	})
	if <-sums != 7 {
		return 7
	}
	for n := range sums {
		if n == 6 { // the old one has told that it has 1
			_, _ = io.WriteString(c, from.Sockets[0].Address)
			break
		}
	}
	<-waited
	go older.TellServers(func() Servers { return Servers{"chat": {{Name: "chat-0", URL: "http://127.0.0.1:9100"}}} })
	<-ended
	return 0
}

// started is a new program with one socket, one program before this one that is still there, and what else it goes on
// with: the other end of it is kept.
func started(t *testing.T, as string, told func(Servers)) (c *Child, ln net.Listener, oldest *line, kept *os.File) {
	t.Helper()
	kept, theirs, err := os.Pipe()
	require.NoError(t, err)
	defer func() { _ = theirs.Close() }()
	t.Cleanup(func() { _ = kept.Close() })
	ln, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = ln.Close() })
	file, err := ln.(*net.TCPListener).File()
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	oldest, fd, err := pair()
	require.NoError(t, err)
	heard, err := newLine(fd)
	require.NoError(t, err)
	from := &From{old: heard}
	older := from.Follow(Serve{State: State{Load: Load{"a": 5}}}, func(int, State) {})
	c, err = Start(Plan{
		Path: os.Args[0], Args: os.Args[:1], Env: append(os.Environ(), role+"="+as),
		Sockets: []Socket{{Address: "configured", Descriptor: int(file.Fd())}}, Older: older,
		Kept: []Kept{{Note: "a server", Descriptor: int(theirs.Fd())}}, Servers: told,
	})
	require.NoError(t, err)
	t.Cleanup(func() { c.Kill(); older.Leave(); _ = oldest.Close() })
	t.Cleanup(older.Leave)
	return c, ln, oldest, kept
}

func TestHandover(t *testing.T) {
	heard, once := make(chan Servers, 1), sync.Once{}
	c, ln, oldest, kept := started(t, "good", func(s Servers) {
		once.Do(func() { heard <- s })
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, c.Ready(ctx))
	require.NoError(t, c.Serve(ctx, Serve{State: State{Load: Load{"a": 2}}}))
	note, err := io.ReadAll(kept)
	require.NoError(t, err)
	require.Equal(t, "a server", string(note))
	c.before.Leave()
	client, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	defer func() { _ = client.Close() }()
	telling, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		c.Tell(telling, func() State { return State{Load{"a": 1}, map[string]int{"chat": 3}} })
		close(ended)
	}()
	said := make([]byte, len("configured"))
	_, err = io.ReadFull(client, said)
	require.NoError(t, err)
	require.Equal(t, "configured", string(said))
	select {
	case s := <-heard:
		require.Equal(t, Servers{"chat": {{Name: "chat-0", URL: "http://127.0.0.1:9100"}}}, s)
	case <-ctx.Done():
		t.Fatal("the servers were not told")
	}
	stop() // this program ends
	<-ended
	require.NoError(t, oldest.Close())
	<-c.Ended()
	require.Zero(t, c.state.ExitCode())
}

func TestBadPrograms(t *testing.T) {
	c, _, _, _ := started(t, "dies", nil)
	require.ErrorContains(t, c.Ready(t.Context()), "ended")
	c, _, _, _ = started(t, "silent", nil)
	patience := errors.New("too long")
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, patience)
	defer cancel()
	require.ErrorIs(t, c.Ready(ctx), patience)
	c.Kill()
	<-c.Ended()
	_, err := Start(Plan{Path: "/nowhere", Args: []string{"x"}})
	require.ErrorContains(t, err, "start /nowhere: no such file")
}

// Where the old program is gone before it let the new one serve, the new one has the sockets, and nobody else.
func TestOrphansServe(t *testing.T) {
	old, fd, err := pair()
	require.NoError(t, err)
	l, err := newLine(fd)
	require.NoError(t, err)
	require.NoError(t, old.Close())
	s, err := (&From{old: l}).Ready()
	require.NoError(t, err)
	require.Zero(t, s)
	require.NoError(t, l.Close())
}

func TestNobodyToTakeOverFrom(t *testing.T) {
	from, err := Take()
	require.NoError(t, err)
	require.Nil(t, from)
	t.Setenv(variable, "{")
	_, err = Take()
	require.ErrorContains(t, err, "steelyard's own use")
	_, found := os.LookupEnv(variable)
	require.False(t, found, "it is not for programs that we start")
}
