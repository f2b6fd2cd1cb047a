package app_test

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
)

// The files of unix sockets have the modes that the configuration names, those of clients and of operators.
func TestSocketModes(t *testing.T) {
	folder := t.TempDir()
	clients, operators := filepath.Join(folder, "clients"), filepath.Join(folder, "operators")
	cfg := config(t, "", endpoint("a", backend(t, "a").URL, 100))
	own := configs.Account(strconv.Itoa(os.Getuid()))
	cfg.Listen = append(cfg.Listen, configs.Listen{Address: "unix:" + clients, Mode: 0o666, Owner: own})
	cfg.Admin = configs.Admin{Address: "unix:" + operators, Mode: 0o660, Group: configs.Account(strconv.Itoa(os.Getgid()))}
	one, err := app.New(cfg, app.Options{})
	require.NoError(t, err)
	r := serveApp(t, one)
	for path, want := range map[string]os.FileMode{clients: 0o666, operators: 0o660} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, want, info.Mode().Perm(), path)
		c, err := net.Dial("unix", path)
		require.NoError(t, err)
		require.NoError(t, c.Close())
	}
	require.NoError(t, r.stop())
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, left)
}
