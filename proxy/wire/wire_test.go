package wire

import (
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

const within = 10 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pairOf connects a Conn with a plain connection.
func pairOf(t *testing.T, network string) (*Conn, net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	ln, err := net.Listen(network, address)
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	peer, err := net.Dial(network, ln.Addr().String())
	require.NoError(t, err)
	ours, err := ln.Accept()
	require.NoError(t, err)
	require.NoError(t, peer.SetDeadline(time.Now().Add(within)))
	t.Cleanup(func() { _ = peer.Close(); _ = ours.Close() })
	return NewConn(ours, NewBuffers(64)), peer
}

// hidden is a connection that shows no socket, as TLS does.
type hidden struct{ net.Conn }

func TestFillAndDiscard(t *testing.T) {
	for _, network := range []string{"tcp", "unix", "hidden"} {
		t.Run(network, func(t *testing.T) {
			kind := network
			if kind == "hidden" {
				kind = "tcp"
			}
			c, peer := pairOf(t, kind)
			if network == "hidden" {
				c = NewConn(hidden{c.Conn}, NewBuffers(64))
			}
			_, err := io.WriteString(peer, "hello")
			require.NoError(t, err)
			require.NoError(t, c.Fill(Now()+within))
			require.Equal(t, "hello", string(c.Bytes()))
			c.Discard(2)
			require.Equal(t, "llo", string(c.Bytes()))
			c.Discard(3)
			require.Nil(t, c.buf, "no buffer without bytes")
			require.NoError(t, peer.Close())
			require.ErrorIs(t, c.Fill(Now()+within), io.EOF)
			require.Nil(t, c.buf)
		})
	}
}

func TestFullBufferMovesOrSaysSo(t *testing.T) {
	c, peer := pairOf(t, "tcp")
	_, err := peer.Write(make([]byte, 100))
	require.NoError(t, err)
	for c.Buffered() < 64 {
		require.NoError(t, c.Fill(Now()+within))
	}
	require.ErrorIs(t, c.Fill(Now()+within), ErrFull)
	c.Discard(60)
	for c.Buffered() < 40 {
		require.NoError(t, c.Fill(Now()+within))
	}
}

// A waiting connection holds no buffer, and a wait ends at its own moment even
// where an earlier one's timer is still armed.
func TestWaits(t *testing.T) {
	c, _ := pairOf(t, "tcp")
	require.ErrorIs(t, c.Fill(Now()+time.Millisecond), ErrTimeout)
	later := Now() + 30*time.Millisecond
	require.ErrorIs(t, c.Fill(later), ErrTimeout)
	require.GreaterOrEqual(t, Now(), later)
	require.Nil(t, c.buf)
}

func TestPokeEndsWhatWaits(t *testing.T) {
	for name, until := range map[string]func() time.Duration{"for ever": func() time.Duration { return 0 }, "for long": func() time.Duration { return Now() + within }} {
		t.Run(name, func(t *testing.T) {
			c, _ := pairOf(t, "tcp")
			ended := make(chan error)
			go func() { ended <- c.Fill(until()) }()
			c.Poke()
			require.ErrorIs(t, <-ended, ErrPoked)
			require.ErrorIs(t, c.Fill(0), ErrPoked, "for good")
			require.ErrorIs(t, c.WriteAll([]byte("x"), 0), ErrPoked)
			require.True(t, c.Poked())
		})
	}
}

func TestPokeReadLeavesWriting(t *testing.T) {
	c, peer := pairOf(t, "tcp")
	ended := make(chan error)
	go func() { ended <- c.Fill(Now() + within) }()
	c.PokeRead()
	require.ErrorIs(t, <-ended, ErrPoked)
	require.NoError(t, c.WriteAll([]byte("x"), within))
	c.ResumeRead()
	_, err := io.WriteString(peer, "y")
	require.NoError(t, err)
	require.NoError(t, c.Fill(Now()+within))
	require.Equal(t, "y", string(c.Bytes()))
}

func TestWriteStalls(t *testing.T) {
	c, peer := pairOf(t, "tcp")
	big := make([]byte, 64<<20)
	require.ErrorIs(t, c.WriteAll(big, 20*time.Millisecond), ErrTimeout)
	go func() { _, _ = io.Copy(io.Discard, peer) }()
	require.NoError(t, c.WriteAll(big, within), "a peer that takes is waited for")
}

func TestAsk(t *testing.T) {
	c, peer := pairOf(t, "tcp")
	go func() {
		b := make([]byte, 8)
		_, _ = io.ReadFull(peer, b)
		_, _ = io.WriteString(peer, "answer")
	}()
	require.NoError(t, c.Ask([]byte("question"), Now()+within, within))
	require.Equal(t, "answer", string(c.Bytes()))
	c.Drop()

	_, err := io.WriteString(peer, "unasked")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return errors.Is(c.Ask([]byte("q"), Now()+time.Millisecond, within), ErrUnsound) }, within, time.Millisecond)
}

func TestAskWritesALargeQuestionWhole(t *testing.T) {
	c, peer := pairOf(t, "tcp")
	question := make([]byte, 32<<20)
	whole := make(chan int64)
	go func() { n, _ := io.CopyN(io.Discard, peer, int64(len(question))); whole <- n }()
	require.NoError(t, c.Ask(question, Now()+within, within))
	require.EqualValues(t, len(question), <-whole)
}

type poked chan struct{}

func (p poked) Poke() { p <- struct{}{} }

func TestCancel(t *testing.T) {
	var c Cancel
	first, second := errors.New("first"), errors.New("second")
	target := make(poked, 1)
	require.NoError(t, c.Bind(target))
	c.Cancel(first)
	c.Cancel(second)
	<-target
	require.Empty(t, target, "poked once")
	require.ErrorIs(t, c.Bind(target), first)
	require.ErrorIs(t, c.Unbind(), first)
	require.ErrorIs(t, c.Cause(), first)
	c.Reset()
	require.NoError(t, c.Unbind())
	c.Cancel(second)
	require.Empty(t, target, "nothing is bound")
}
