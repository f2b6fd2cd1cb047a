package app

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/configs"
)

// listenOn is the error of a gateway with that listener.
func listenOn(t *testing.T, address string) error {
	t.Helper()
	cfg, err := configs.Parse("c.yaml", []byte("listen: [{address: \""+address+"\"}]\nadmin: {address: \"\"}\nupstreams: [{endpoints: [{url: \"http://192.0.2.1:1\"}]}]\n"), nil)
	require.NoError(t, err)
	_, err = New(cfg, Options{})
	return err
}

// TestListenErrorsNameARemedy binds what cannot be bound.
func TestListenErrorsNameARemedy(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	require.EqualError(t, listenOn(t, taken.Addr().String()), "listen on "+taken.Addr().String()+" (listen[].address): bind: address already in use: "+
		"another program has this port: end it (ss -ltnp 'sport = :"+port+"' names it), or give another port")

	require.ErrorContains(t, listenOn(t, "192.0.2.1:8080"), "this machine has no such address: give one of its own (ip address lists them), or :8080 for all")

	folder := t.TempDir()
	require.ErrorContains(t, listenOn(t, "unix:"+folder+"/none/s.sock"), "the folder "+folder+"/none is not there: make it, for a user that may write to it, or give another path")
	file := filepath.Join(folder, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.ErrorContains(t, listenOn(t, "unix:"+file+"/s.sock"), file+" is not a folder: give another path")
	require.ErrorContains(t, listenOn(t, "unix:"+file), "end the program that listens there, or give another path")
	socket, err := net.Listen("unix", filepath.Join(folder, "s.sock"))
	require.NoError(t, err)
	defer socket.Close()
	require.ErrorContains(t, listenOn(t, "unix:"+folder+"/s.sock"), "another process listens there: end the program that listens there, or give another path")
}

// TestListenErrorsOfOrdinaryUsers are those that a test which runs as root cannot cause.
func TestListenErrorsOfOrdinaryUsers(t *testing.T) {
	denied := &net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("bind", syscall.EACCES)}
	require.EqualError(t, &ListenError{Address: ":443", Err: denied}, "listen on :443 (listen[].address): bind: permission denied: "+
		"ports below 1024 are for root: give a higher one, or the capability CAP_NET_BIND_SERVICE (setcap, or systemd's AmbientCapabilities)")
	require.EqualError(t, &ListenError{Address: "unix:/s.sock", Admin: true, Err: denied}, "listen on unix:/s.sock (admin.address): bind: permission denied: "+
		"this user may not write to the folder /: change that, or give another path")
}
