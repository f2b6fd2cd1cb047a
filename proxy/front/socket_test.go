package front_test

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/front"
)

// dead leaves the file of a socket that nobody listens on, as a crash does.
func dead(t *testing.T, path string) {
	t.Helper()
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	ln.SetUnlinkOnClose(false)
	require.NoError(t, ln.Close())
}

func TestUnixSockets(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "s.sock")
	dead(t, path)
	ln, err := front.Listen("unix:" + path)
	require.NoError(t, err, "a socket that nobody listens on is replaced")
	require.Equal(t, path, ln.Addr().String())
	_, err = front.Listen("unix:" + path)
	require.ErrorContains(t, err, "another process listens there")
	require.NoError(t, ln.Close())
	require.ErrorIs(t, ln.Close(), net.ErrClosed)
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, left)
	require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
	_, err = front.Listen("unix:" + path)
	require.ErrorContains(t, err, "no socket")
	_, err = front.Listen("unix:" + filepath.Join(folder, "none", "s.sock"))
	require.EqualError(t, err, "no such file or directory: make its folder first")
}

// Of those that begin at once over a dead socket one listens, and it is the one that clients reach.
func TestOneOfManyGetsADeadSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	for range 30 {
		dead(t, path)
		listeners := make([]net.Listener, 6)
		var all sync.WaitGroup
		begin := make(chan struct{})
		for i := range listeners {
			all.Go(func() {
				<-begin
				if ln, err := front.Listen("unix:" + path); err == nil {
					listeners[i] = ln
				}
			})
		}
		close(begin)
		all.Wait()
		var got net.Listener
		for _, ln := range listeners {
			if ln != nil {
				require.Nil(t, got, "two believe that they listen")
				got = ln
			}
		}
		require.NotNil(t, got)
		client, err := net.Dial("unix", path)
		require.NoError(t, err)
		server, err := got.Accept()
		require.NoError(t, err)
		require.NoError(t, client.Close())
		require.NoError(t, server.Close())
		require.NoError(t, got.Close())
	}
}

// A file that somebody else has put in the place of ours stays, whatever it is.
func TestOnlyOurOwnSocketIsRemoved(t *testing.T) {
	for name, put := range map[string]func(t *testing.T, path string){
		"removed": func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) },
		"moved":   func(t *testing.T, path string) { require.NoError(t, os.Rename(path, path+".old")) },
		"replaced": func(t *testing.T, path string) {
			dead(t, path+".new")
			require.NoError(t, os.Rename(path+".new", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s.sock")
			first, err := front.Listen("unix:" + path)
			require.NoError(t, err)
			put(t, path)
			second, err := front.Listen("unix:" + path)
			require.NoError(t, err)
			require.NoError(t, first.Close())
			client, err := net.Dial("unix", path)
			require.NoError(t, err, "the second is still there")
			require.NoError(t, client.Close())
			require.NoError(t, second.Close())
			require.NoFileExists(t, path)
		})
	}
}

// The mode is that which is asked for, whatever the umask; without one it is the umask's.
func TestAccessOfASocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	for _, mode := range []fs.FileMode{0o600, 0o660, 0o666, 0o777} {
		ln, err := front.ListenAs("unix:"+path, front.Access{Mode: mode, User: os.Getuid(), Group: os.Getgid()})
		require.NoError(t, err)
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm())
		require.NoError(t, ln.Close())
	}
	plain := filepath.Join(t.TempDir(), "plain")
	dead(t, plain)
	want, err := os.Stat(plain)
	require.NoError(t, err)
	ln, err := front.Listen("unix:" + path)
	require.NoError(t, err)
	got, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, want.Mode(), got.Mode())
	require.NoError(t, ln.Close())
}

// A socket that cannot be given away is not left to those who may not have it.
func TestSocketThatCannotBeGivenAway(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may give everything away")
	}
	path := filepath.Join(t.TempDir(), "s.sock")
	_, err := front.ListenAs("unix:"+path, front.Access{Mode: 0o660, User: 0, Group: -1})
	require.ErrorContains(t, err, "only root may give files away")
	require.NoFileExists(t, path)
}
