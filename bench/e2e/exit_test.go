package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A taken port is exit 1 with one line that names it.
func TestTakenPort(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	taken, free := ln.Addr().String(), freeAddress(t)
	file := filepath.Join(t.TempDir(), "taken.yaml")
	require.NoError(t, os.WriteFile(file, []byte("listen: [{address: \""+taken+"\"}]\nadmin: {address: \""+free+"\"}\n"+
		"upstreams: [{endpoints: [{url: \"http://127.0.0.1:9001\"}]}]\n"), 0o600))
	for _, args := range [][]string{
		{"serve", "--config", file},
		{"demo", "--no-load", "--listen", taken, "--admin", free},
		{"demo", "--no-load", "--admin", taken, "--listen", free},
	} {
		p := start(t, nil, binary, args...)
		require.Equal(t, 1, p.exits(t), "%v", args)
		require.Equal(t, 1, strings.Count(p.err.String(), "\n"), "%v: %s", args, p.err)
		require.Contains(t, p.err.String(), taken)
		require.Empty(t, p.out.String())
	}
}

// A bad configuration is exit 2 with every mistake, each with its place.
func TestBadConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`lisen: []
upstreams:
  - policy: capcity
    endpoints:
      - {url: "127.0.0.1:9001", capacity: -3}
routes: [{upstream: chat}]
`), 0o600))
	for _, command := range []string{"check", "serve"} {
		p := start(t, nil, binary, command, "--config", file)
		require.Equal(t, 2, p.exits(t))
		require.Empty(t, p.out.String())
		for _, want := range []string{
			":1: lisen", `did you mean "listen"?`, ":3: upstreams[0].policy", ":5: upstreams[0].endpoints[0].url",
			":5: upstreams[0].endpoints[0].capacity", ":6: routes[0].upstream",
		} {
			require.Contains(t, p.err.String(), want)
		}
	}
}

// A command line that cannot be meant is exit 2 with the reason, and without pages of usage.
func TestBadCommandLine(t *testing.T) {
	for _, args := range [][]string{{"serve"}, {"serve", "--nope"}, {"check", "a.yaml", "b.yaml"}, {"sevre"}, {"demo", "file.yaml"}} {
		p := start(t, nil, binary, args...)
		require.Equal(t, 2, p.exits(t), "%v", args)
		require.True(t, strings.HasPrefix(p.err.String(), "steelyard: "), "%v: %s", args, p.err)
		require.NotContains(t, p.err.String(), "Usage:")
	}
}

// The examples that come with the program pass its own check, and what check prints passes it again.
func TestExamplesPassTheCheck(t *testing.T) {
	folder := t.TempDir()
	writeCertificate(t, folder)
	for _, name := range []string{"gateway.yaml", "sidecar.yaml", "edge.yaml"} {
		text, err := os.ReadFile(filepath.Join("../../configs", name))
		require.NoError(t, err)
		file := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(file, text, 0o600))
		first := start(t, nil, binary, "check", "--config", file)
		require.Zero(t, first.exits(t), first.err)
		require.Contains(t, first.out.String(), "share")
		require.NoError(t, os.WriteFile(file, []byte(first.out.String()), 0o600))
		second := start(t, nil, binary, "check", "--config", file)
		require.Zero(t, second.exits(t), second.err)
		require.Equal(t, first.out.String(), second.out.String())
	}
}

// writeCertificate writes cert.pem and key.pem, which edge.yaml asks for beside it.
func writeCertificate(t *testing.T, folder string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	form := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: certificate},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: private},
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(block), 0o600))
	}
}

// A socket file that another gateway has made in the place of ours outlives our end.
func TestSocketOfAnotherIsLeft(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	file := filepath.Join(t.TempDir(), "socket.yaml")
	require.NoError(t, os.WriteFile(file, []byte("listen: [{address: \"unix:"+path+"\", mode: \"0600\"}]\nadmin: {address: \"\"}\n"+
		"upstreams: [{endpoints: [{url: \"http://127.0.0.1:9001\"}]}]\n"), 0o600))
	serves := func() bool {
		c, err := net.Dial("unix", path)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}
	first := start(t, nil, binary, "serve", "--config", file)
	eventually(t, "the first serves", serves)
	require.NoError(t, os.Remove(path))
	second := start(t, nil, binary, "serve", "--config", file)
	eventually(t, "the second serves", serves)
	first.signal(t, syscall.SIGTERM)
	require.Zero(t, first.exits(t))
	require.True(t, serves())
	second.signal(t, syscall.SIGTERM)
	require.Zero(t, second.exits(t))
	require.NoFileExists(t, path)
}
