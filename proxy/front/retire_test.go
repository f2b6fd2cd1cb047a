package front_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/steelyard-proxy/steelyard/proxy/front"
)

// retire begins to leave the listeners; ended is closed when the last connection has gone.
func retire(s *server) (ended chan struct{}, cut context.CancelFunc) {
	ctx, cut := context.WithCancel(context.Background())
	ended = make(chan struct{})
	go func() { s.Retire(ctx); close(ended) }()
	return ended, cut
}

// While another process takes over, connections that have said nothing and idle ones may each send
// one more request, however long that takes them; each is told that it was the last.
func TestRetireServesEachConnectionOnceMore(t *testing.T) {
	handler, exchanges := holding(t)
	s := serve(t, front.Options{Handler: handler}, nil, nil)
	silent, used, active := dial(t, s.address), dial(t, s.address), dial(t, s.address)
	for _, c := range []net.Conn{used, active} {
		_, err := io.WriteString(c, get)
		require.NoError(t, err)
		h := <-exchanges
		if c == used {
			close(h.release)
			answer, err := http.ReadResponse(bufio.NewReader(c), nil) // it is used once it has its answer
			require.NoError(t, err)
			_, err = io.ReadAll(answer.Body)
			require.NoError(t, err)
			continue
		}
		defer close(h.release)
	}
	ended, cut := retire(s)
	defer cut()
	require.Eventually(t, func() bool { _, err := net.Dial("tcp", s.address); return err != nil }, within, time.Millisecond)
	for _, c := range []net.Conn{silent, used} {
		_, err := io.WriteString(c, get)
		require.NoError(t, err)
		close((<-exchanges).release)
		all, err := io.ReadAll(c)
		require.NoError(t, err, "an end, and no reset")
		require.Contains(t, string(all), "Connection: close")
		require.NoError(t, c.Close())
	}
	select {
	case <-ended:
		require.Fail(t, "one exchange is still open")
	default:
	}
	cut()
	<-ended
}

// One that waits for too long is closed, by an end that a client can tell from a broken connection.
func TestRetireLosesPatience(t *testing.T) {
	s := serve(t, front.Options{Handler: hello, Patience: 10 * time.Millisecond}, nil, nil)
	silent, used := dial(t, s.address), dial(t, s.address)
	require.Equal(t, 200, ask(t, used, get).StatusCode)
	ended, cut := retire(s)
	defer cut()
	closes(t, silent)
	closes(t, used)
	require.NoError(t, silent.Close())
	require.NoError(t, used.Close())
	<-ended
}

// A socket that is handed over goes on without a moment in which nobody listens, and its connections are
// served like others.
func TestInherit(t *testing.T) {
	for name, address := range map[string]string{"TCP": "127.0.0.1:0", "unix": "unix:" + filepath.Join(t.TempDir(), "s")} {
		t.Run(name, func(t *testing.T) {
			first, err := front.ListenAs(address, front.Access{Mode: 0o600, User: -1, Group: -1})
			require.NoError(t, err)
			fd, err := front.Descriptor(first)
			require.NoError(t, err)
			flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
			require.NoError(t, err)
			require.NotZero(t, flags&unix.FD_CLOEXEC, "programs that we start for other reasons must not get it")
			second, err := front.Inherit(front.Given{Descriptor: fd, Address: address, Access: front.Access{Mode: 0o660, User: -1, Group: -1}})
			require.NoError(t, err)
			require.Equal(t, first.Addr().String(), second.Addr().String())

			front.KeepFile(first)
			waiting, err := net.Dial(second.Addr().Network(), second.Addr().String())
			require.NoError(t, err)
			defer func() { _ = waiting.Close() }()
			require.NoError(t, first.Close(), "while a connection waits to be accepted")
			accepted, err := second.Accept()
			require.NoError(t, err)
			require.NoError(t, accepted.Close())

			front.OwnFile(second)
			if name == "unix" {
				info, err := os.Lstat(second.Addr().String())
				require.NoError(t, err, "the file has outlived the first")
				require.EqualValues(t, 0o660, info.Mode().Perm())
			}
			require.NoError(t, second.Close())
			if name == "unix" {
				require.NoFileExists(t, second.Addr().String())
			}
		})
	}
}

// The file of a socket that is not ours is left alone, also when we end before it is.
func TestForeignSocketsKeepTheirFiles(t *testing.T) {
	for name, foreign := range map[string]bool{"systemd's": true, "the old process's": false} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s")
			first, err := front.ListenAs("unix:"+path, front.Access{Mode: 0o600, User: -1, Group: -1})
			require.NoError(t, err)
			fd, err := front.Descriptor(first)
			require.NoError(t, err)
			second, err := front.Inherit(front.Given{Descriptor: fd, Access: front.Access{Mode: 0o666, User: -1, Group: -1}, Foreign: foreign})
			require.NoError(t, err)
			require.Equal(t, foreign, front.Foreign(second))
			if foreign {
				front.OwnFile(second)
				info, err := os.Lstat(path)
				require.NoError(t, err)
				require.EqualValues(t, 0o600, info.Mode().Perm())
			}
			require.NoError(t, second.Close())
			require.FileExists(t, path)
			require.NoError(t, first.Close())
		})
	}
}

func TestInheritRefusesWhatDoesNotListen(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	require.NoError(t, err)
	defer func() { _ = unix.Close(fds[1]) }()
	_, err = front.Inherit(front.Given{Descriptor: fds[0]})
	require.ErrorContains(t, err, "no listening socket")
	_, err = front.Descriptor(nil)
	require.Error(t, err)
}
