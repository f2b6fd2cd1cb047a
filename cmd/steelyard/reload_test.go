package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/proxy/admin"
)

// reloadable is an app with a file that is watched, until the test ends.
type reloadable struct {
	*reloader
	t    *testing.T
	url  string // of its endpoint
	stop context.CancelFunc
}

func newReloadable(t *testing.T) *reloadable {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	r := &reloadable{t: t, url: server.URL, reloader: &reloader{file: filepath.Join(t.TempDir(), "c.yaml"), log: zap.NewNop(), quiet: time.Millisecond}}
	r.write("", 1)
	r.last = contentOf(r.file)
	var err error
	r.start, err = configs.Load(r.file, nil)
	require.NoError(t, err)
	r.app, err = app.New(r.start, app.Options{})
	require.NoError(t, err)
	r.app.OnReload(r.onRequest)
	r.ctx, r.stop = context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- r.app.Run(r.ctx) }()
	go func() { ended <- r.watch(r.ctx) }()
	t.Cleanup(func() {
		r.stop()
		require.NoError(t, <-ended)
		require.NoError(t, <-ended)
	})
	return r
}

func (r *reloadable) text(more string, capacity int) string {
	return fmt.Sprintf("listen: [{address: \"127.0.0.1:0\"}]\nadmin: {address: \"\"}\n%s\nupstreams: [{endpoints: [{name: a, url: %q, capacity: %d}]}]\n",
		more, r.url, capacity)
}

// write replaces the file by another, as an editor does.
func (r *reloadable) write(more string, capacity int) { r.replace(r.text(more, capacity)) }

func (r *reloadable) replace(text string) {
	r.t.Helper()
	require.NoError(r.t, os.WriteFile(r.file+".new", []byte(text), 0o600))
	require.NoError(r.t, os.Rename(r.file+".new", r.file))
}

func (r *reloadable) capacity() float64 { return r.app.Snapshots()[0].Endpoints[0].Base }

func (r *reloadable) eventually(what string, condition func() bool) {
	r.t.Helper()
	require.Eventually(r.t, condition, time.Minute, time.Millisecond, what)
}

func TestChangedFilesAreReloaded(t *testing.T) {
	r := newReloadable(t)
	r.write("", 2)
	r.eventually("the new capacity", func() bool { return r.capacity() == 2 })
	for name, text := range map[string]string{
		"no YAML": "upstreams: nonsense\n", "empty": "", "only space": " \n\n", "half a file": r.text("", 3)[:60],
	} {
		r.replace(text)
		r.eventually(name+" is refused", func() bool { return r.app.LastReload().Error != "" })
		require.EqualValues(t, 2, r.capacity(), name)
		r.write("", 2)
		r.eventually("a good one heals", func() bool { return r.app.LastReload().Error == "" })
	}
	require.NoError(t, os.Remove(r.file))
	r.eventually("a file that is gone is told", func() bool { return strings.Contains(r.app.LastReload().Error, "cannot be read") })
	require.EqualValues(t, 2, r.capacity())
	r.write("", 4)
	r.eventually("the new capacity", func() bool { return r.capacity() == 4 })
}

// A file that may not be read any more is told of when that begins, not at the next reload; and
// nothing is lost by it.
func TestAnUnreadableFileIsTold(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read every file")
	}
	r := newReloadable(t)
	require.NoError(t, os.Chmod(r.file, 0))
	r.eventually("it is told", func() bool { return strings.Contains(r.app.LastReload().Error, "permission denied") })
	require.EqualValues(t, 1, r.capacity())
	require.NoError(t, os.Chmod(r.file, 0o600))
	r.eventually("all is well again", func() bool { return r.app.LastReload().Error == "" })
}

// Where watching is switched off a file is read only when asked; and the file can switch it on again then.
func TestWatchingCanBeSwitchedOff(t *testing.T) {
	r := newReloadable(t)
	r.write("reload: {watch: false}", 2)
	r.eventually("the new capacity", func() bool { return r.capacity() == 2 })
	r.write("reload: {watch: false}", 3)
	r.onChange()
	require.EqualValues(t, 2, r.capacity())
	told, err := r.onRequest()
	require.NoError(t, err)
	require.Equal(t, []admin.Change{{Key: "upstreams[default].endpoints[a].capacity", What: "changed"}}, told.Changes)
	require.EqualValues(t, 3, r.capacity())
}

func TestReloadsSayWhatHasChanged(t *testing.T) {
	r := newReloadable(t)
	told, err := r.onRequest()
	require.NoError(t, err)
	require.Equal(t, admin.Reloaded{}, told)

	r.write("reload: {watch: false}\nhalf_close: wait", 1)
	told, err = r.onRequest()
	require.NoError(t, err)
	if told.Changed { // else the watch was first
		require.Len(t, told.Changes, 2)
	}
	require.Equal(t, []string{"half_close"}, told.AtNextStart)

	r.replace("listen: 7\nnone: 8\n")
	_, err = r.onRequest()
	var refused *admin.ReloadRefused
	require.ErrorAs(t, err, &refused)
	require.Len(t, refused.Problems, 3, "listen, none, and no upstreams")
	require.Equal(t, r.file+":1", refused.Problems[0].Place)
	require.EqualValues(t, 1, r.capacity())

	r.stop()
	_, err = r.onRequest()
	require.ErrorIs(t, err, admin.ErrStopping)
}
