package http

import (
	"compress/gzip"
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// asked is a source of a server that answers as told, and is closed with it.
func asked(t *testing.T, o Options, answer http.HandlerFunc) (*Source, *httptest.Server) {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	if o.URL == "" {
		o.URL = server.URL + "/list?key=secret"
	}
	s, err := New(o)
	require.NoError(t, err)
	t.Cleanup(s.forget)
	return s, server
}

func TestListAndETag(t *testing.T) {
	version, unchanged := `"1"`, 0
	s, _ := asked(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "steelyard", r.UserAgent())
		w.Header().Set("ETag", version)
		if r.Header.Get("If-None-Match") == version {
			unchanged++
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write([]byte(`[{"targets":["10.0.0.` + version[1:2] + `:80"]}]`))
	})
	for _, want := range []string{"http://10.0.0.1:80", "http://10.0.0.1:80", "http://10.0.0.2:80"} {
		if want == "http://10.0.0.2:80" {
			version = `"2"`
		}
		_, err := s.ask(t.Context())
		require.NoError(t, err)
		require.Equal(t, []discovery.Endpoint{{URL: want}}, s.list.Endpoints)
	}
	require.Equal(t, 1, unchanged)
}

// What goes wrong is told with the host and the remedy, never with the rest of the URL, and the list stays.
func TestFailures(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"401":          {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, "answers 401 unauthorized: give token_file"},
		"403":          {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, "answers 403 forbidden: let the owner"},
		"404":          {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, "answers 404 not found: give the url"},
		"500":          {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "answers 500"},
		"304 at first": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }, "answers 304"},
		"a page":       {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, "there is no list"},
		"nothing":      {func(w http.ResponseWriter, _ *http.Request) {}, "it is empty"},
		"cut short": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`["h:1"`))
		}, "unexpected EOF"},
		"too long": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			zip := gzip.NewWriter(w)
			block := make([]byte, 1<<20)
			for range 9 {
				_, _ = zip.Write(block)
			}
			_ = zip.Close()
		}, "it is longer than"},
		"round and round": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/list?key=secret", http.StatusFound)
		}, "it redirects more than 5 times"},
	} {
		t.Run(name, func(t *testing.T) {
			s, server := asked(t, Options{}, test.answer)
			_, err := s.ask(t.Context())
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, strings.TrimPrefix(server.URL, "http://"))
			require.NotContains(t, err.Error(), "secret")
		})
	}
	s, err := New(Options{URL: "http://127.0.0.1:1/secret"})
	require.NoError(t, err)
	_, err = s.ask(t.Context())
	require.ErrorContains(t, err, "127.0.0.1:1: ")
	require.NotContains(t, err.Error(), "secret")
	for _, bad := range []string{"", "host/path", "ftp://h/x", "http://", "http://[::1"} {
		_, err = New(Options{URL: bad})
		require.ErrorContains(t, err, "write https://host/path")
	}
}

func TestServerThatHangs(t *testing.T) {
	over := make(chan struct{})
	s, _ := asked(t, Options{Timeout: 20 * time.Millisecond}, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-over:
		}
	})
	defer close(over)
	_, err := s.ask(t.Context())
	require.ErrorContains(t, err, "no whole answer within 20ms")
}

func TestRetryAfter(t *testing.T) {
	s, _ := asked(t, Options{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "40")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	pause, err := s.ask(t.Context())
	require.Error(t, err)
	require.Equal(t, 40*time.Second, pause)
}

// The token goes to the host of the URL alone, and is read anew each time.
func TestToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte("one\n"), 0o600))
	var got string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		_, _ = w.Write([]byte("[]"))
	}))
	defer other.Close()
	away := ""
	s, _ := asked(t, Options{TokenFile: file}, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		if away != "" {
			http.Redirect(w, r, away, http.StatusFound)
			return
		}
		_, _ = w.Write([]byte("[]"))
	})
	_, err := s.ask(t.Context())
	require.NoError(t, err)
	require.Equal(t, "Bearer one", got)
	require.NoError(t, os.WriteFile(file, []byte("two"), 0o600))
	_, err = s.ask(t.Context())
	require.NoError(t, err)
	require.Equal(t, "Bearer two", got)
	away = strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
	_, err = s.ask(t.Context())
	require.NoError(t, err)
	require.Empty(t, got)
	require.NoError(t, os.Remove(file))
	_, err = s.ask(t.Context())
	require.ErrorContains(t, err, "read token_file")
}

// Certificates are verified, by the authorities that stand in the file now; and no redirect leads out of TLS.
func TestTLS(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("[]")) }))
	defer plain.Close()
	away := ""
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away != "" {
			http.Redirect(w, r, away, http.StatusFound)
			return
		}
		_, _ = w.Write([]byte("[]"))
	}))
	server.StartTLS()
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	s, err := New(Options{URL: server.URL, CAFile: file})
	require.NoError(t, err)
	defer func() { s.forget() }()
	_, err = s.ask(t.Context())
	require.ErrorContains(t, err, "read ca_file")
	require.NoError(t, os.WriteFile(file, []byte("none"), 0o600))
	_, err = s.ask(t.Context())
	require.ErrorContains(t, err, "there is no certificate in it")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, os.WriteFile(file, text, 0o600))
	_, err = s.ask(t.Context())
	require.NoError(t, err)
	away = plain.URL
	_, err = s.ask(t.Context())
	require.ErrorContains(t, err, "from https to http")
	unknown, err := New(Options{URL: server.URL})
	require.NoError(t, err)
	defer unknown.forget()
	_, err = unknown.ask(t.Context())
	require.ErrorContains(t, err, "certificate")
}

// told is a sink.
type told struct {
	lists    chan discovery.List
	failures chan error
}

func (s told) Found(l discovery.List) { s.lists <- l }
func (s told) Failed(err error)       { s.failures <- err }

// Run tells the list, and ends with its context.
func TestRun(t *testing.T) {
	s, _ := asked(t, Options{}, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`["h:1"]`)) })
	ctx, cancel := context.WithCancel(t.Context())
	sink, ended := told{make(chan discovery.List, 1), make(chan error, 1)}, make(chan struct{})
	go func() {
		defer close(ended)
		s.Run(ctx, sink)
	}()
	require.Equal(t, []discovery.Endpoint{{URL: "http://h:1"}}, (<-sink.lists).Endpoints)
	cancel()
	<-ended
}
