package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/event"
)

func oneEvent(o *Options, _ *running) {
	o.Events = event.NewLog(nil)
	o.Events.Publish(event.Event{Kind: event.Ejected, Upstream: "chat", Endpoint: "small", Cause: "3 failures in a row",
		Action: "no requests for 10s", Evidence: map[string]any{"failures": 3}})
}

// followed has as many followers as there may be, all of which stay until the test ends.
func followed(_ *Options, s *running) {
	for range maxFollowers {
		s.begun = append(s.begun, func() { follow(s.t, s, "/api/v1/events") })
	}
}

func TestEventsAfterOneThatWasSeen(t *testing.T) {
	log := event.NewLog(nil)
	s := start(t, func(o *Options, _ *running) { o.Events = log })
	first := log.Newest() + 1
	for range 3 {
		log.Publish(event.Event{Kind: event.Ejected})
	}
	for _, c := range []struct {
		query, header string
		want          int
	}{
		{"", "", 3},
		{"?after=0", "", 3},
		{fmt.Sprintf("?after=%d", first), "", 2},
		{fmt.Sprintf("?after=%d", first+2), "", 0},
		{"", fmt.Sprint(first + 1), 1},
		{"?after=0", fmt.Sprint(first + 1), 1},
		{"", "none of ours", 3},
		{fmt.Sprintf("?after=%d", first+99), "", 3},
	} {
		got := s.do("GET", "/api/v1/events"+c.query, "", "Last-Event-ID", c.header)
		require.Equal(t, 200, got.StatusCode)
		var list struct{ Events []struct{ ID uint64 } }
		got.into(t, &list)
		assert.Len(t, list.Events, c.want, "%+v", c)
	}
}

// stream is a client that follows the events.
type stream struct {
	t     *testing.T
	lines *bufio.Scanner
	*http.Response
}

func follow(t *testing.T, s *running, path string, headers ...string) *stream {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+path, nil)
	require.NoError(t, err)
	r.Header.Set("Accept", "application/json;q=0.1, Text/Event-Stream")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	got, err := s.client.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = got.Body.Close() })
	require.Equal(t, 200, got.StatusCode)
	require.Equal(t, "text/event-stream", got.Header.Get("Content-Type"))
	f := &stream{t, bufio.NewScanner(got.Body), got}
	require.Equal(t, "retry: 2000", f.next())
	return f
}

// next is the next block of lines.
func (f *stream) next() string {
	f.t.Helper()
	var block []string
	for f.lines.Scan() {
		if f.lines.Text() == "" {
			return strings.Join(block, "\n")
		}
		block = append(block, f.lines.Text())
	}
	f.t.Fatalf("the stream ended: %v after %v", f.lines.Err(), block)
	return ""
}

func TestEventsAreFollowed(t *testing.T) {
	log := event.NewLog(nil)
	s := start(t, func(o *Options, _ *running) { o.Events = log })
	log.Publish(event.Event{Kind: event.Ejected, Endpoint: "small", Cause: "line\none"})
	f := follow(t, s, "/api/v1/events")
	assert.Contains(t, f.next(), fmt.Sprintf("id: %d\ndata: {\"id\":%d,", log.Newest(), log.Newest()))
	log.Publish(event.Event{Kind: event.Restored, Endpoint: "small"})
	id, data, _ := strings.Cut(f.next(), "\n")
	assert.Equal(t, fmt.Sprintf("id: %d", log.Newest()), id)
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(data, "data: ")), &got))
	assert.Equal(t, "restored", got["kind"])

	again := follow(t, s, "/api/v1/events", "Last-Event-ID", fmt.Sprint(log.Newest()-1))
	assert.Contains(t, again.next(), `"kind":"restored"`, "only what came later")
}

func TestAFollowerIsToldWhatItMissed(t *testing.T) {
	log := event.NewLog(nil)
	s := start(t, func(o *Options, _ *running) { o.Events = log })
	first := log.Newest() + 1
	for range event.Kept + 7 {
		log.Publish(event.Event{Kind: event.Ejected})
	}
	f := follow(t, s, fmt.Sprintf("/api/v1/events?after=%d", first+1))
	assert.Equal(t, "event: missed\ndata: {\"missed\":5}", f.next())
	assert.Contains(t, f.next(), fmt.Sprintf("id: %d\n", first+7))
}

// TestAStopEndsStreams: they would hold it up for its three seconds, and take their followers
// away from the next process.
func TestAStopEndsStreams(t *testing.T) {
	s := start(t)
	f := follow(t, s, "/api/v1/events")
	s.stop()
	_, err := io.ReadAll(f.Body)
	assert.NoError(t, err, "a clean end")
}

func TestWhoRefusesAStreamGetsAList(t *testing.T) {
	s := start(t)
	for accept, stream := range map[string]bool{
		"text/event-stream;q=0": false, "*/*, text/event-stream; Q=0.000": false, "text/event-stream;v=1;q=0.0": false,
		"text/event-stream;q=0.001": true, "text/event-stream;q=zero": true, "text/event-stream;q=0, text/event-stream": true,
	} {
		got := s.do("HEAD", "/api/v1/events", "", "Accept", accept)
		assert.Equal(t, stream, got.Header.Get("Content-Type") == "text/event-stream", accept)
	}
}

func TestHeadOfEventsEnds(t *testing.T) {
	s := start(t)
	got := s.do("HEAD", "/api/v1/events", "", "Accept", "text/event-stream")
	assert.Equal(t, "text/event-stream", got.Header.Get("Content-Type"))
}

// TestAQuietStreamStays, in a bubble's time: for longer than every time-out of the server,
// and its follower sees that it lives.
func TestAQuietStreamStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		log := event.NewLog(nil)
		ln := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
		ended := make(chan error)
		go func() { ended <- New(Options{Metrics: http.NotFoundHandler(), Events: log}).Run(ctx, ln) }()
		client, ours := net.Pipe()
		ln.conns <- ours
		_, err := io.WriteString(client, "GET /api/v1/events HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n")
		require.NoError(t, err)
		lines := bufio.NewScanner(client)
		until := func(want string) {
			for lines.Scan() {
				if strings.HasPrefix(lines.Text(), want) {
					return
				}
			}
			t.Fatalf("the stream ended before %q: %v", want, lines.Err())
		}
		until("retry: ")
		began := time.Now()
		for range 20 {
			until(": keepalive")
		}
		assert.Equal(t, 20*keepAlive, time.Since(began))
		log.Publish(event.Event{Kind: event.Ejected})
		until("data: ")
		_ = client.Close()
		stop()
		require.NoError(t, <-ended)
	})
}

// TestAFollowerThatReadsNothingIsLeft, in a bubble's time.
func TestAFollowerThatReadsNothingIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		log := event.NewLog(nil)
		ln := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
		server := New(Options{Metrics: http.NotFoundHandler(), Events: log})
		ended := make(chan error)
		go func() { ended <- server.Run(ctx, ln) }()
		client, ours := net.Pipe()
		ln.conns <- ours
		_, err := io.WriteString(client, "GET /api/v1/events HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n")
		require.NoError(t, err)
		synctest.Wait()
		require.Len(t, server.followers, 1)
		for range 3 * event.Kept {
			log.Publish(event.Event{Kind: event.Ejected})
		}
		time.Sleep(eventTimeout + time.Second)
		synctest.Wait()
		assert.Empty(t, server.followers)
		_ = client.Close()
		stop()
		require.NoError(t, <-ended)
	})
}
