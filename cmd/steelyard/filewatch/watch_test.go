package filewatch

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

// A file that goes on growing is not taken until it is quiet; then its change is told once.
func TestWritesInProgressAreNotTaken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	write(t, file, "a")
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		changes, ended := atomic.Int64{}, make(chan error)
		go func() {
			ended <- Run(ctx, Options{
				Files: func() []string { return []string{file} }, Changed: func() { changes.Add(1) }, Blind: true, Log: zap.NewNop(),
			})
		}()
		time.Sleep(10 * time.Second)
		require.EqualValues(t, 1, changes.Swap(0), "the call at the start")
		text := "a"
		for range 20 {
			text += "a"
			write(t, file, text)
			time.Sleep(900 * time.Millisecond)
			require.Zero(t, changes.Load(), "it is still being written")
		}
		time.Sleep(5 * time.Second)
		require.EqualValues(t, 1, changes.Load())
		require.NoError(t, os.Remove(file))
		time.Sleep(5 * time.Second)
		require.EqualValues(t, 2, changes.Load(), "a file that is gone is a change")
		stop()
		require.NoError(t, <-ended)
	})
}

// However a file is replaced, it is seen, and at once where the system tells of it: the looks are an hour apart.
func TestReplacements(t *testing.T) {
	for name, c := range map[string]struct {
		prepare, replace func(t *testing.T, folder string)
	}{
		"in place": {
			func(t *testing.T, folder string) { write(t, filepath.Join(folder, "c.yaml"), "old") },
			func(t *testing.T, folder string) { write(t, filepath.Join(folder, "c.yaml"), "newer") },
		},
		"an editor that renames": {
			func(t *testing.T, folder string) { write(t, filepath.Join(folder, "c.yaml"), "old") },
			func(t *testing.T, folder string) {
				write(t, filepath.Join(folder, ".c.yaml.swp"), "new")
				require.NoError(t, os.Rename(filepath.Join(folder, "c.yaml"), filepath.Join(folder, "c.yaml~")))
				require.NoError(t, os.Rename(filepath.Join(folder, ".c.yaml.swp"), filepath.Join(folder, "c.yaml")))
			},
		},
		"its mode": {
			func(t *testing.T, folder string) { write(t, filepath.Join(folder, "c.yaml"), "old") },
			func(t *testing.T, folder string) { require.NoError(t, os.Chmod(filepath.Join(folder, "c.yaml"), 0)) },
		},
		"Kubernetes": {
			func(t *testing.T, folder string) {
				require.NoError(t, os.Mkdir(filepath.Join(folder, "..1"), 0o700))
				write(t, filepath.Join(folder, "..1", "c.yaml"), "old")
				require.NoError(t, os.Symlink("..1", filepath.Join(folder, "..data")))
				require.NoError(t, os.Symlink("..data/c.yaml", filepath.Join(folder, "c.yaml")))
			},
			func(t *testing.T, folder string) {
				require.NoError(t, os.Mkdir(filepath.Join(folder, "..2"), 0o700))
				write(t, filepath.Join(folder, "..2", "c.yaml"), "new")
				require.NoError(t, os.Symlink("..2", filepath.Join(folder, "..data_tmp")))
				require.NoError(t, os.Rename(filepath.Join(folder, "..data_tmp"), filepath.Join(folder, "..data")))
				require.NoError(t, os.RemoveAll(filepath.Join(folder, "..1")))
			},
		},
		"behind a link to elsewhere": {
			func(t *testing.T, folder string) {
				require.NoError(t, os.Mkdir(filepath.Join(folder, "far"), 0o700))
				write(t, filepath.Join(folder, "far", "c.yaml"), "old")
				require.NoError(t, os.Symlink("far/c.yaml", filepath.Join(folder, "c.yaml")))
			},
			func(t *testing.T, folder string) { write(t, filepath.Join(folder, "far", "c.yaml"), "newer") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			c.prepare(t, folder)
			file := filepath.Join(folder, "c.yaml")
			ctx, stop := context.WithCancel(t.Context())
			looks, changed, ended := atomic.Int64{}, make(chan struct{}, 10), make(chan error)
			go func() {
				ended <- Run(ctx, Options{
					Files:   func() []string { looks.Add(1); return []string{file} },
					Changed: func() { changed <- struct{}{} }, Every: time.Hour, Quiet: time.Millisecond, Log: zap.NewNop(),
				})
			}()
			require.Eventually(t, func() bool { return looks.Load() >= 2 }, time.Minute, time.Millisecond, "it watches")
			<-changed // the call at the start
			c.replace(t, folder)
			select {
			case <-changed:
			case <-time.After(time.Minute):
				require.Fail(t, "nothing was told")
			}
			stop()
			require.NoError(t, <-ended)
		})
	}
}

// What is no file, such as a pipe, is not watched.
func TestPipesAreLeftAlone(t *testing.T) {
	require.Empty(t, look([]string{"/dev/null"}))
}
