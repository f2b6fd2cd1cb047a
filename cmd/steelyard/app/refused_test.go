package app_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
)

// onDisk is what each file of a folder holds, but for the request log, which grows.
func onDisk(t *testing.T, folder string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	files := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		require.NoError(t, err)
		files[e.Name()] = string(text)
	}
	delete(files, "requests.csv")
	return files
}

// onThePage are the series of ours on the metrics page with their values, but for those
// that count reloads and what goes on by itself.
func onThePage(t *testing.T, r *running) string {
	t.Helper()
	own := regexp.MustCompile(`^(# .* )?steelyard_`)
	var lines strings.Builder
	moves := regexp.MustCompile(`_config_|_probe|client_connections|_bytes_total|_events_total|_memory_in_use_bytes`)
	for l := range strings.Lines(page(t, r)) {
		if own.MatchString(l) && !moves.MatchString(l) {
			lines.WriteString(l)
		}
	}
	return lines.String()
}

// changed are the lines of a page that are not on another, and the other way round.
func changed(before, now string) (lines []string) {
	for _, pages := range [][2]string{{before, now}, {now, before}} {
		others := strings.Split(pages[1], "\n")
		for l := range strings.SplitSeq(pages[0], "\n") {
			if !slices.Contains(others, l) {
				lines = append(lines, l)
			}
		}
	}
	return lines
}

// TestARefusedReloadLeavesNoMark: no series, no file that was moved, no endpoint, although
// what was wrong came last.
func TestARefusedReloadLeavesNoMark(t *testing.T) {
	folder := t.TempDir()
	damaged := filepath.Join(folder, "damaged.json")
	require.NoError(t, os.WriteFile(damaged, []byte("{"), 0o600))
	cfg := learningConfig(t, folder, backend(t, "a").URL)
	r := run(t, cfg)
	chat(t, r.url, 10)
	eventually(t, "the request to be counted, and learned from", func() bool {
		page := onThePage(t, r)
		return contains(page, `steelyard_requests_total{code="2xx",endpoint="e0",upstream="chat"} 1`) &&
			contains(page, `steelyard_predictor_rows_total{reason="kept",upstream="chat"} 1`)
	})
	bad := renamed(cfg, func(c *configs.Config) {
		next := c.Upstreams[0]
		next.Name, next.Predict.File = "next", damaged
		last := next
		last.Name, last.Predict.File = "last", filepath.Join(folder, "last.json")
		last.Endpoints = []configs.Endpoint{{
			Name: "tls", URL: "https://127.0.0.1:1", Capacity: configs.Capacity{Value: 1},
			TLS: &configs.ClientTLS{CAFile: filepath.Join(folder, "none.pem")},
		}}
		c.Upstreams[0].Endpoints = append([]configs.Endpoint{{
			Name: "more", URL: "http://127.0.0.1:1", Capacity: configs.Capacity{Value: 1},
		}}, c.Upstreams[0].Endpoints...)
		c.Upstreams = append(c.Upstreams, next, last)
	})
	files, series, snapshot := onDisk(t, folder), onThePage(t, r), r.Snapshots()
	require.ErrorContains(t, r.Reload(bad), "upstream last: endpoint tls: read tls.ca_file")
	assert.Empty(t, changed(series, onThePage(t, r)))
	assert.Equal(t, files, onDisk(t, folder))
	assert.Equal(t, snapshot, r.Snapshots())

	bad.Upstreams = bad.Upstreams[:2]
	require.NoError(t, r.Reload(bad), "without what was wrong it is obeyed")
	assert.Contains(t, onThePage(t, r), `upstream="next"`)
	assert.NotContains(t, onDisk(t, folder), "damaged.json", "which is when a damaged file makes room")
}

// TestAModelOfATableIsNoPredictFile, neither at a start nor at a reload, and stays where it is.
func TestAModelOfATableIsNoPredictFile(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "table.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"kind": "table", "version": 1}`), 0o600))
	cfg := learningConfig(t, folder, backend(t, "a").URL)
	bad := renamed(cfg, func(c *configs.Config) { c.Upstreams[0].Predict.File = file })
	const problem = `it is a model of kind "table", which says nothing of requests; give what steelyard train has saved from a request log`
	_, err := app.New(bad, app.Options{})
	require.EqualError(t, err, "upstream chat: predict.file "+file+": "+problem)
	r := run(t, cfg)
	require.ErrorContains(t, r.Reload(bad), problem)
	assert.Contains(t, onDisk(t, folder), "table.json")
}

// TestAScrapeWaitsForNoReload, though that waits for a learner to save.
func TestAScrapeWaitsForNoReload(t *testing.T) {
	folder := t.TempDir()
	cfg := learningConfig(t, folder, backend(t, "a").URL)
	r := run(t, cfg)
	file := filepath.Join(folder, "other.json")
	saved := app.Leave(r.App, file)
	reloaded := make(chan error)
	go func() {
		reloaded <- r.Reload(renamed(cfg, func(c *configs.Config) { c.Upstreams[0].Predict.File = file }))
	}()
	for range 20 {
		assert.NotEmpty(t, line(t, r, `steelyard_predictor_ready{upstream="chat"}`))
		select {
		case err := <-reloaded:
			t.Fatal("it did not wait", err)
		default:
		}
	}
	saved()
	require.NoError(t, <-reloaded)
}
