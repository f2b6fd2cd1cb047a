package app_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
)

// What was learned is saved once for the process that takes over, which has the file from then on.
func TestFilesAreHandedOver(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "learned.json")
	r := run(t, learningConfig(t, folder, backend(t, "a").URL))
	chat(t, r.url, 10)
	eventually(t, "what was learned is saved", func() bool {
		r.OwnFiles(true)
		r.OwnFiles(false)
		_, err := os.Stat(file)
		return err == nil
	})
	require.NoError(t, os.WriteFile(file, []byte("of the next process"), 0o600))
	for range 5 {
		chat(t, r.url, 10)
	}
	r.OwnFiles(false)
	require.NoError(t, r.stop())
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "of the next process", string(text))
}

// The next gateway takes the sockets, also while the one before still serves a stream; then requests
// that come are its own, and the stream goes on.
func TestSocketsAreHandedOver(t *testing.T) {
	h, b := newHolder(t), backend(t, "b")
	old := run(t, config(t, "", endpoint("h", h.URL, 100)))
	s := open(t, old)
	given, takeBack, err := old.Sockets()
	require.NoError(t, err)
	require.Len(t, given, 2, "that of clients, and that of operators")
	cfg := config(t, "", endpoint("b", b.URL, 100))
	cfg.Admin.Address = ""
	next, err := app.New(cfg, app.Options{Given: given})
	require.NoError(t, err)
	_ = takeBack // next has taken them over
	begun := make(chan struct{})
	next.OnBegin(func(context.Context) error { <-begun; return nil })
	served := make(chan struct{})
	next.OnServing(func() { close(served) })
	serveApp(t, next)
	require.Equal(t, "held", body(t, old.url), "the old one serves until the next has begun")
	close(begun)
	<-served
	old.HandOver()
	http.DefaultClient.CloseIdleConnections()
	eventually(t, "the next one serves", func() bool {
		http.DefaultClient.CloseIdleConnections()
		return body(t, old.url) == "b"
	})
	eventually(t, "the old admin listener is closed", func() bool { return !answers(old.admin) })
	h.release()
	rest, err := s.end()
	require.NoError(t, err)
	require.Equal(t, "last\n", rest)
	require.NoError(t, old.stop())
}

func answers(url string) bool {
	r, err := http.Get(url + "/healthz")
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, r.Body)
	return r.Body.Close() == nil
}

// A gateway that is not to begin ends, and has served nothing.
func TestWhoMayNotBeginEnds(t *testing.T) {
	a, err := app.New(config(t, "", endpoint("a", backend(t, "a").URL, 100)), app.Options{})
	require.NoError(t, err)
	no := errors.New("no")
	a.OnBegin(func(context.Context) error { return no })
	a.OnServing(func() { t.Error("it serves") })
	require.ErrorIs(t, a.Run(t.Context()), no)
	require.False(t, answers("http://"+a.Addrs()[0].String()))
}
