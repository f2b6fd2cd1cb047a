package file

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// heard is a sink that keeps the last that it was told.
type heard struct {
	mu    sync.Mutex
	names []string
	sure  bool
	fault string
	times int
}

func (h *heard) Found(l discovery.List) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.names, h.sure, h.fault = nil, l.Sure, ""
	h.times++
	for _, e := range l.Endpoints {
		h.names = append(h.names, e.Name)
	}
}

func (h *heard) Failed(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fault = err.Error()
}

func (h *heard) expect(t *testing.T, fault string, names ...string) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	require.Equal(t, names, h.names)
	if fault == "" {
		require.Empty(t, h.fault)
	}
	require.Contains(t, h.fault, fault)
}

func write(t *testing.T, path string, names ...string) {
	t.Helper()
	text := "[]"
	for i, name := range names {
		if i == 0 {
			text = ""
		}
		text += fmt.Sprintf("- {name: %s, url: 'http://h:1'}\n", name)
	}
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

// look has a source look at the files of a folder, once for each step.
func look(t *testing.T, pattern string, steps func(folder string, next func(), h *heard)) {
	folder := t.TempDir()
	s, err := New(Options{Paths: []string{filepath.Join(folder, pattern)}})
	require.NoError(t, err)
	h := new(heard)
	steps(folder, func() { s.look(h) }, h)
}

func TestOneFile(t *testing.T) {
	look(t, "list.yaml", func(folder string, next func(), h *heard) {
		path := filepath.Join(folder, "list.yaml")
		next()
		h.expect(t, path+": it is not there")
		write(t, path, "a", "b")
		next()
		h.expect(t, "", "a", "b")
		require.NoError(t, os.WriteFile(path, []byte("- {name: a, url: 'http"), 0o600))
		next()
		h.expect(t, path+": found unexpected end", "a", "b")
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		next()
		h.expect(t, "it is empty: write it whole", "a", "b")
		require.NoError(t, os.Remove(path))
		next()
		h.expect(t, "it is not there", "a", "b")
		write(t, path+".new", "c")
		require.NoError(t, os.Rename(path+".new", path))
		next()
		h.expect(t, "", "c")
		times := h.times
		next()
		require.Equal(t, times+1, h.times, "each reading is told")
	})
}

// One bad file of several keeps its own last list, and the others are taken.
func TestSeveralFiles(t *testing.T) {
	look(t, "*.yaml", func(folder string, next func(), h *heard) {
		one, two := filepath.Join(folder, "1.yaml"), filepath.Join(folder, "2.yaml")
		next()
		h.expect(t, "no file matches "+folder)
		write(t, one, "a")
		next()
		h.expect(t, "", "a")
		require.NoError(t, os.WriteFile(two, []byte("{"), 0o600))
		next()
		h.expect(t, two+": ", "a")
		write(t, two, "b")
		next()
		h.expect(t, "", "a", "b")
		require.NoError(t, os.WriteFile(two, []byte("{"), 0o600))
		write(t, one, "c")
		next()
		h.expect(t, two+": ", "c", "b")
		times := h.times
		next()
		require.Equal(t, times, h.times, "what is not all is told when it is new")
		require.NoError(t, os.Remove(two))
		next()
		h.expect(t, "", "c")
	})
}

// Kubernetes shows a ConfigMap through a link to a folder, which it replaces.
func TestSymlinkSwap(t *testing.T) {
	look(t, "list.json", func(folder string, next func(), h *heard) {
		publish := func(version, name string) {
			require.NoError(t, os.Mkdir(filepath.Join(folder, version), 0o700))
			write(t, filepath.Join(folder, version, "list.json"), name)
			require.NoError(t, os.Symlink(version, filepath.Join(folder, "..tmp")))
			require.NoError(t, os.Rename(filepath.Join(folder, "..tmp"), filepath.Join(folder, "..data")))
		}
		publish("..1", "a")
		require.NoError(t, os.Symlink("..data/list.json", filepath.Join(folder, "list.json")))
		next()
		h.expect(t, "", "a")
		publish("..2", "b")
		require.NoError(t, os.RemoveAll(filepath.Join(folder, "..1")))
		next()
		h.expect(t, "", "b")
	})
}

func TestWhatIsNoFile(t *testing.T) {
	look(t, "list", func(folder string, next func(), h *heard) {
		require.NoError(t, os.Mkdir(filepath.Join(folder, "list"), 0o700))
		next()
		h.expect(t, "is no file")
	})
	_, err := New(Options{Paths: []string{"/a/[b"}})
	require.ErrorContains(t, err, "close each [")
	_, err = New(Options{})
	require.Error(t, err)
}

// The files are read every interval, and when somebody says that they have changed. Run ends what it started.
func TestRun(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "list.yaml")
	write(t, path, "a")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var change func()
		s, err := New(Options{Paths: []string{path}, Watch: func(ctx context.Context, files func() []string, changed func()) {
			require.Equal(t, []string{path}, files())
			change = changed
			<-ctx.Done()
		}})
		require.NoError(t, err)
		h, ended := new(heard), make(chan struct{})
		go func() {
			defer close(ended)
			s.Run(ctx, h)
		}()
		synctest.Wait()
		h.expect(t, "", "a")
		write(t, path, "b")
		time.Sleep(29 * time.Second)
		h.expect(t, "", "a")
		time.Sleep(2 * time.Second)
		h.expect(t, "", "b")
		write(t, path, "c")
		change()
		synctest.Wait()
		h.expect(t, "", "c")
		cancel()
		<-ended
	})
}

// TestSeveralPatterns are one list: a file counts once, and one that is missing is told.
func TestSeveralPatterns(t *testing.T) {
	folder := t.TempDir()
	racks, a, spare := filepath.Join(folder, "racks", "*.yaml"), filepath.Join(folder, "racks", "a.yaml"), filepath.Join(folder, "spare.yaml")
	require.NoError(t, os.Mkdir(filepath.Dir(a), 0o700))
	s, err := New(Options{Paths: []string{racks, a, spare}})
	require.NoError(t, err)
	h := new(heard)
	s.look(h)
	h.expect(t, "no file matches "+racks)
	h.expect(t, a+": it is not there")
	write(t, a, "a")
	s.look(h)
	h.expect(t, spare+": it is not there", "a")
	write(t, spare, "s")
	s.look(h)
	h.expect(t, "", "a", "s")
	require.ElementsMatch(t, []string{a, spare, racks}, s.files())
	require.NoError(t, os.Remove(a))
	s.look(h)
	h.expect(t, "no file matches "+racks, "a", "s") // it is named, and keeps what it last said
}
