package app_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWhoWaitsElsewhereGetsAServer: requests that wait in a process that this one has replaced are work as any.
func TestWhoWaitsElsewhereGetsAServer(t *testing.T) {
	r, s := runScaled(t, scaledConfig(t, ", min: 0"), 0)
	r.SetElsewhere(1, nil, map[string]int{"chat": 2, "other": 1})
	eventually(t, "a server is started", func() bool { return len(s.asked()) == 1 })
	assert.Equal(t, "0->1 ", s.asked()[0])
	eventually(t, "it is told", func() bool { return len(r.Started()["chat"]) == 1 })
	assert.Equal(t, "chat-0", r.Started()["chat"][0].Name)
}

// TestServersOfTheProcessAfterThisOne are for the requests that wait here.
func TestServersOfTheProcessAfterThisOne(t *testing.T) {
	after, _ := runScaled(t, scaledConfig(t, ", min: 1"), 1)
	eventually(t, "it has a server", func() bool { return len(after.Started()["chat"]) == 1 })
	cfg := scaledConfig(t, ", min: 0")
	before, s := runScaled(t, cfg, 0)
	posted(t, before.admin+"/api/v1/autoscale/chat/pause", `{"reason": "a test"}`)
	got := make(chan string, 1)
	go func() {
		answer, err := http.Get(before.url)
		if err != nil {
			got <- err.Error()
			return
		}
		text, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		got <- string(text)
	}()
	eventually(t, "it waits", func() bool { return before.Waiting()["chat"] == 1 })
	before.StartedElsewhere(after.Started())
	assert.Equal(t, 1, before.Waiting()["chat"], "nobody has replaced this one yet")
	before.HandOver()
	eventually(t, "it has its answer", func() bool {
		before.StartedElsewhere(after.Started()) // it is told again and again
		select {
		case text := <-got:
			got <- text
			return true
		default:
			return false
		}
	})
	require.Equal(t, "chat-0", <-got)
	assert.Empty(t, s.asked())
	assert.Empty(t, before.Waiting())
}
