package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/predict"
)

// knowing saves what is known of one model.
func knowing(t *testing.T, path, model string) {
	t.Helper()
	trainer := predict.NewTrainer(predict.TrainOptions{Epochs: 1})
	for i := range 260 {
		trainer.Add(&predict.Row{
			Model: model, Features: predict.Features{PromptBytes: 100, MaxTokens: 1 + i}, Work: float64(1 + i), Class: "answered", Status: 200,
		})
	}
	p, _, err := trainer.Train()
	require.NoError(t, err)
	require.NoError(t, p.Save(path))
}

// TestInventedModelsMakeNoSeries: metrics name the models that are ready, and count the others.
func TestInventedModelsMakeNoSeries(t *testing.T) {
	folder := t.TempDir()
	knowing(t, filepath.Join(folder, "learned.json"), "known")
	g := run(t, learningConfig(t, folder, backend(t, "a").URL))
	require.Equal(t, "1", line(t, g, `steelyard_predictor_ready{upstream="chat"}`))
	require.Equal(t, "1", line(t, g, `steelyard_predictor_models{state="ready",upstream="chat"}`))
	for range 25 {
		chat(t, g.url, 10) // of model "m"
	}
	eventually(t, "the requests to be learned from", func() bool {
		return line(t, g, `steelyard_predictor_rows_total{reason="kept",upstream="chat"}`) == "25"
	})
	require.Equal(t, "1", line(t, g, `steelyard_predictor_models{state="learning",upstream="chat"}`))
	text := page(t, g)
	require.Contains(t, text, `model="known"`)
	require.NotContains(t, text, `model="m"`)
	require.Equal(t, "0", line(t, g, `steelyard_predictor_models_evicted_total{upstream="chat"}`))
}

// TestAPipeHoldsNothingUp: neither the start nor a reload waits for one that has come after the
// configuration was checked, and it stays.
func TestAPipeHoldsNothingUp(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "learned.json")
	cfg := learningConfig(t, folder, backend(t, "a").URL)
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	g := run(t, cfg)
	require.NoError(t, g.Reload(cfg))
	chat(t, g.url, 1)
	require.NoError(t, g.stop())
	there, err := os.Lstat(path)
	require.NoError(t, err)
	require.NotZero(t, there.Mode()&os.ModeNamedPipe)
}

// TestEveryClassIsKnown to those who learn from the request log.
func TestEveryClassIsKnown(t *testing.T) {
	classes := []string{balancer.Unknown.String()}
	for c := balancer.Unknown + 1; c.String() != classes[0]; c++ {
		classes = append(classes, c.String())
	}
	require.ElementsMatch(t, classes, predict.Classes)
}

// TestMemoryThatCannotBeReadIsLeftAlone: nothing is saved over a file that is neither there nor
// damaged, but cannot be opened.
func TestMemoryThatCannotBeReadIsLeftAlone(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "learned.json")
	require.NoError(t, os.Symlink(path, path)) // root could open any other
	g := run(t, learningConfig(t, folder, backend(t, "a").URL))
	chat(t, g.url, 1)
	require.NoError(t, g.stop())
	to, err := os.Readlink(path)
	require.NoError(t, err)
	require.Equal(t, path, to)
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, f := range files {
		require.False(t, strings.Contains(f.Name(), "damaged"), f.Name())
	}
}
