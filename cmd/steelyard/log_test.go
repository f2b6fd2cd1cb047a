package main

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/configs"
)

// clogged is an output that nobody reads until it is opened.
type clogged struct {
	open chan struct{}
	once sync.Once
	busy chan struct{} // closed when the first write waits
	got  bytes.Buffer  // written while open
}

func newClogged() *clogged { return &clogged{open: make(chan struct{}), busy: make(chan struct{})} }

func (c *clogged) Write(p []byte) (int, error) {
	c.once.Do(func() { close(c.busy) })
	<-c.open
	return c.got.Write(p)
}

func (c *clogged) Sync() error { return nil }

// A log that nobody reads blocks nobody; what it lost is said when it goes on.
func TestLogNeverBlocks(t *testing.T) {
	out := newClogged()
	log, _, behind := newLogs(configs.Log{Level: "info"}, out)
	end := runBehind(behind)
	log.Info("first")
	<-out.busy
	for range waitingLines + 7 {
		log.Warn("next")
	}
	require.ErrorContains(t, behind.Sync(), "deadline exceeded")
	close(out.open)
	end()
	text := out.got.String()
	require.Equal(t, waitingLines, strings.Count(text, `"msg":"next"`))
	require.Contains(t, text, `"msg":"log lines dropped: they came faster than they could be written","lines":7`)
}

func TestLogFormatsAndLevels(t *testing.T) {
	for format, want := range map[string]string{"json": `"level":"warn"`, "console": "WARN\tseen"} {
		out := newClogged()
		close(out.open)
		log, access, behind := newLogs(configs.Log{Level: "warn", Format: format}, out)
		end := runBehind(behind)
		log.Info("unseen")
		log.Warn("seen", zap.Int("n", 1))
		end()
		require.Contains(t, out.got.String(), want)
		require.NotContains(t, out.got.String(), "unseen")
		out.got.Reset()
		access.Warn("at once")
		require.Contains(t, out.got.String(), "at once")
	}
}
