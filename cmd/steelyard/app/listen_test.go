package app_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
)

// Plain, TLS and a unix socket at once, all to the same endpoints; no admin.
func TestListeners(t *testing.T) {
	a := backend(t, "a")
	cfg := config(t, "", endpoint("a", a.URL, 100))
	certFile, keyFile := writePair(t, t.TempDir(), "gateway.test")
	path := filepath.Join(t.TempDir(), "s")
	cfg.Admin.Address = ""
	cfg.Listen = append(cfg.Listen,
		configs.Listen{Address: "127.0.0.1:0", TLS: &configs.ServerTLS{CertFile: certFile, KeyFile: keyFile}},
		configs.Listen{Address: "unix:" + path},
	)
	one, err := app.New(cfg, app.Options{})
	require.NoError(t, err)
	assert.Nil(t, one.AdminAddr())
	r := serveApp(t, one)
	addrs := r.Addrs()
	require.Len(t, addrs, 3)
	assert.Equal(t, path, addrs[2].String())

	for network, dial := range map[string]func() (net.Conn, error){
		"tcp": func() (net.Conn, error) { return net.Dial("tcp", addrs[0].String()) },
		"tls": func() (net.Conn, error) {
			return tls.Dial("tcp", addrs[1].String(), &tls.Config{InsecureSkipVerify: true})
		},
		"unix": func() (net.Conn, error) { return net.Dial("unix", path) },
	} {
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return dial() }}
		client := &http.Client{Transport: transport}
		eventually(t, network, func() bool {
			answer, err := client.Get("http://gateway.test/")
			if err != nil {
				return false
			}
			defer func() { _ = answer.Body.Close() }()
			b, _ := io.ReadAll(answer.Body)
			return string(b) == "a"
		})
		transport.CloseIdleConnections()
	}
}

func TestListenErrors(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	taken := ln.Addr().String()
	path := filepath.Join(t.TempDir(), "s")
	alive, err := net.Listen("unix", path)
	require.NoError(t, err)
	defer func() { _ = alive.Close() }()
	for name, c := range map[string]struct {
		spoil func(*configs.Config, *configs.Listen)
		want  []string
	}{
		"taken": {
			func(_ *configs.Config, l *configs.Listen) { l.Address = taken },
			[]string{"listen on " + taken, "(listen[].address)", "address already in use"},
		},
		"taken admin": {
			func(c *configs.Config, _ *configs.Listen) { c.Admin.Address = taken },
			[]string{"listen on " + taken, "(admin.address)", "address already in use"},
		},
		"alive unix": {
			func(_ *configs.Config, l *configs.Listen) { l.Address = "unix:" + path },
			[]string{"listen on unix:" + path, "another process listens there"},
		},
		"no certificate": {
			func(_ *configs.Config, l *configs.Listen) {
				l.TLS = &configs.ServerTLS{CertFile: "/none.pem", KeyFile: "/none.key"}
			},
			[]string{"listen on 127.0.0.1:0", "/none.pem", "no such file"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			first := filepath.Join(t.TempDir(), "first")
			cfg := config(t, "", endpoint("a", "http://127.0.0.1:1", 100))
			cfg.Listen = []configs.Listen{{Address: "unix:" + first}, cfg.Listen[0]}
			c.spoil(cfg, &cfg.Listen[1])
			_, err := app.New(cfg, app.Options{})
			require.Error(t, err)
			for _, part := range c.want {
				assert.Contains(t, err.Error(), part)
			}
			assert.NoFileExists(t, first, "what was bound before is let go")
		})
	}
}
