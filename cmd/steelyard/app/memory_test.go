package app_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
)

// renamed is cfg with other upstreams, which f may change.
func renamed(cfg *configs.Config, f func(c *configs.Config)) *configs.Config {
	changed := *cfg
	changed.Upstreams = append([]configs.Upstream{}, cfg.Upstreams...)
	changed.Routes = append([]configs.Route{}, cfg.Routes...)
	f(&changed)
	return &changed
}

// known is what a file says of all models together, and which others it has.
func known(t *testing.T, path string) (rows uint64, models []string) {
	t.Helper()
	p := predict.New(predict.Options{})
	require.NoError(t, p.Read(path))
	for _, m := range p.State().Models {
		if m.Model == "" {
			rows = m.Rows
		} else {
			models = append(models, m.Model)
		}
	}
	return rows, models
}

// learn sends requests and waits until all have been learned from.
func learn(t *testing.T, g *running, requests int) {
	t.Helper()
	p := app.Predictors(g.App)[0]
	before := p.State().Models[0].Rows
	for range requests {
		chat(t, g.url, 10)
	}
	eventually(t, "the requests to be learned from", func() bool { return p.State().Models[0].Rows == before+uint64(requests) })
}

// TestARenamedUpstreamKeepsWhatWasLearned, as its file says which it is.
func TestARenamedUpstreamKeepsWhatWasLearned(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "learned.json")
	knowing(t, path, "known") // of 260 rows
	cfg := learningConfig(t, folder, backend(t, "a").URL)
	g := run(t, cfg)
	learn(t, g, 5)
	require.NoError(t, g.Reload(renamed(cfg, func(c *configs.Config) {
		c.Upstreams[0].Name, c.Routes[0].Upstream = "other", "other"
	})))
	require.Equal(t, "1", line(t, g, `steelyard_predictor_ready{upstream="other"}`))
	learn(t, g, 5)
	require.NoError(t, g.stop())
	rows, models := known(t, path)
	require.EqualValues(t, 270, rows)
	require.Equal(t, []string{"known"}, models)
}

// TestFilesChangePlaces between two upstreams: what is learned of one's requests from then on
// goes to the file that it has now.
func TestFilesChangePlaces(t *testing.T) {
	folder := t.TempDir()
	first, second := filepath.Join(folder, "learned.json"), filepath.Join(folder, "second.json")
	knowing(t, first, "first")
	knowing(t, second, "second")
	cfg := learningConfig(t, folder, backend(t, "a").URL)
	cfg = renamed(cfg, func(c *configs.Config) {
		other := c.Upstreams[0]
		other.Name, other.Predict.File = "other", second
		c.Upstreams = append(c.Upstreams, other)
	})
	g := run(t, cfg)
	learn(t, g, 3)
	require.NoError(t, g.Reload(renamed(cfg, func(c *configs.Config) {
		c.Upstreams[0].Predict.File, c.Upstreams[1].Predict.File = second, first
	})))
	learn(t, g, 4)
	require.NoError(t, g.stop())
	rows, models := known(t, first)
	require.EqualValues(t, 263, rows)
	require.Equal(t, []string{"first"}, models)
	rows, models = known(t, second)
	require.EqualValues(t, 264, rows)
	require.Equal(t, []string{"second"}, models)
}

// TestTrainedBesideARunningOne: its file is left as it is, with rows or without, and taken up
// by a reload of the same configuration.
func TestTrainedBesideARunningOne(t *testing.T) {
	for name, reload := range map[string]bool{"restarted": false, "reloaded": true} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "learned.json")
			cfg := learningConfig(t, folder, backend(t, "a").URL)
			core, logged := observer.New(zap.InfoLevel)
			a, err := app.New(cfg, app.Options{Log: zap.New(core)})
			require.NoError(t, err)
			g := serveApp(t, a)
			learn(t, g, 5)
			knowing(t, path, "trained")
			if reload {
				require.NoError(t, g.Reload(cfg))
				require.Equal(t, 1, logged.FilterMessageSnippet("is read again").Len())
				require.Equal(t, "1", line(t, g, `steelyard_predictor_ready{upstream="chat"}`))
				require.NoError(t, g.Reload(cfg))
				require.Equal(t, 1, logged.FilterMessageSnippet("nothing has changed").Len())
				learn(t, g, 2)
			}
			require.NoError(t, g.stop())
			rows, models := known(t, path)
			require.Equal(t, []string{"trained"}, models)
			refused := logged.FilterMessageSnippet("is not saved over a file that somebody else has written to; reload")
			if reload {
				require.EqualValues(t, 262, rows)
				require.Zero(t, refused.Len())
			} else {
				require.EqualValues(t, 260, rows)
				require.Equal(t, 1, refused.Len())
			}
		})
	}
}

// TestAChangedFileThatIsNoGood does not cost what is known.
func TestAChangedFileThatIsNoGood(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "learned.json")
	knowing(t, path, "known")
	cfg := learningConfig(t, folder, backend(t, "a").URL)
	g := run(t, cfg)
	require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
	require.NoError(t, g.Reload(cfg))
	require.Equal(t, "1", line(t, g, `steelyard_predictor_ready{upstream="chat"}`))
	learn(t, g, 1)
	require.NoError(t, g.stop())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "{", string(text))
}

// TestLearnersComeAndGo: one that is not needed any longer ends at once, with what it learned
// in its file, from where the next one goes on.
func TestLearnersComeAndGo(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "learned.json")
	cfg := learningConfig(t, folder, backend(t, "a").URL)
	cfg.Log.Requests = ""
	g := run(t, cfg)
	plain := renamed(cfg, func(c *configs.Config) {
		u := &c.Upstreams[0]
		u.Endpoints = append([]configs.Endpoint{}, u.Endpoints...)
		u.Endpoints[0].Capacity.Auto, u.Endpoints[0].Slots.Auto, u.Queue.Order = false, false, "fifo"
	})
	removed := renamed(plain, func(c *configs.Config) {
		c.Upstreams[0].Name, c.Routes[0].Upstream, c.Upstreams[0].Predict.File = "other", "other", ""
	})
	for n, without := range []*configs.Config{plain, removed, plain} {
		learn(t, g, 5)
		require.NoError(t, g.Reload(without))
		require.Nil(t, app.Predictors(g.App)[0])
		require.Equal(t, "", line(t, g, `steelyard_predictor_ready{upstream="chat"}`))
		chat(t, g.url, 10)
		if n < 2 {
			eventually(t, "what was learned to be saved", func() bool { _, err := os.Stat(path); return err == nil })
		}
		require.NoError(t, g.Reload(cfg))
		require.EqualValues(t, 5*(n+1), app.Predictors(g.App)[0].State().Models[0].Rows, "though the one before had still to save")
	}
}

// TestWhatIsLearnedIsSavedNowAndThen, for a process that has no orderly end.
func TestWhatIsLearnedIsSavedNowAndThen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "learned.json")
	synctest.Test(t, func(t *testing.T) {
		core, logged := observer.New(zap.InfoLevel)
		ctx, stop := context.WithCancel(t.Context())
		p, ended := app.RunLearner(ctx, path, zap.New(core))
		pass := func() {
			time.Sleep(app.SaveEvery)
			synctest.Wait()
		}
		finish := func() {
			p.Finished(predict.Row{Features: predict.Features{MaxTokens: 10}, Work: 1, Class: "answered", Status: 200})
		}
		pass()
		require.NoFileExists(t, path)
		for n := range 3 {
			finish()
			pass()
			rows, _ := known(t, path)
			require.EqualValues(t, n+1, rows)
		}
		before, err := os.Stat(path)
		require.NoError(t, err)
		pass()
		after, err := os.Stat(path)
		require.NoError(t, err)
		require.True(t, os.SameFile(before, after), "nothing is new")

		knowing(t, path, "trained")
		for range 3 {
			finish()
			pass()
		}
		require.Equal(t, 1, logged.Len(), "it is told once")
		stop()
		require.NoError(t, <-ended)
		_, models := known(t, path)
		require.Equal(t, []string{"trained"}, models)
		require.Equal(t, 1, logged.Len())
	})
}

// TestLearningMovesNoCapacity: what requests turn out to be on average, unlike what was guessed,
// concerns equal servers alike, whatever unit the capacities have.
func TestLearningMovesNoCapacity(t *testing.T) {
	cfg := learningConfig(t, t.TempDir(), backend(t, "a").URL, backend(t, "b").URL)
	for i := range cfg.Upstreams[0].Endpoints {
		cfg.Upstreams[0].Endpoints[i].Slots = configs.Slots{Value: 1}
	}
	a, err := app.New(cfg, app.Options{})
	require.NoError(t, err)
	p, f := app.Predictors(a)[0], predict.Features{MaxTokens: 5000}
	second := func() {
		for i := range 2 {
			for range 60 {
				app.Meter(a, i).Finished(p.Size(nil, f), 15*time.Millisecond, 1)
			}
		}
		app.Measure(a, time.Second)
	}
	second()
	require.Equal(t, 10.0, p.Size(nil, f))
	p.Finished(predict.Row{Features: f, Work: 1.5, Class: "answered", Status: 200})
	ctx, stop := context.WithCancel(t.Context())
	stop()
	require.NoError(t, p.Run(ctx))
	for range 3 {
		second()
		require.InDelta(t, 1, p.Size(nil, f), 1e-9)
		for _, e := range a.Snapshots()[0].Endpoints {
			require.InEpsilon(t, 100, e.Capacity, 1e-6)
		}
	}
	require.NoError(t, serveApp(t, a).stop())
}
