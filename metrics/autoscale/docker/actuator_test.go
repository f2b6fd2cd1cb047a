package docker

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

var usual = Settings{Image: "serve:1", Command: []string{"--port", "{port}"}, First: 9100, Last: 9109, Most: 4, StopTimeout: time.Second}

func order(id string, to int, victims ...string) autoscale.Order {
	return autoscale.Order{ID: id, Upstream: "chat", To: to, Victims: victims, Reason: "a test"}
}

// shown are the replicas as "name state port", once none is stopping.
func shown(t *testing.T, a *Actuator) (list []string) {
	t.Helper()
	require.Eventually(t, func() bool {
		c, err := a.Count(t.Context())
		require.NoError(t, err)
		list = nil
		for _, r := range c.Replicas {
			if r.State == autoscale.Stopping {
				return false
			}
			list = append(list, strings.TrimSpace(r.Name+" "+r.State.String()+" "+strings.TrimPrefix(r.URL, "http://127.0.0.1:")))
		}
		return true
	}, time.Minute, time.Millisecond)
	return list
}

func TestOrdersAreAbsolute(t *testing.T) {
	f := newFake(t)
	a, heard := f.actuator(t, usual)
	require.NoError(t, a.Scale(t.Context(), order("1", 2)))
	require.NoError(t, a.Scale(t.Context(), order("1", 4)), "the same again")
	require.NoError(t, a.Scale(t.Context(), order("2", 2)))
	require.Equal(t, []string{"chat-0 running 9100", "chat-1 running 9101"}, shown(t, a))
	require.NoError(t, a.Scale(t.Context(), order("3", 1, "chat-0")))
	require.Equal(t, []string{"chat-1 running 9101"}, shown(t, a))
	require.NoError(t, a.Scale(t.Context(), order("4", 2)))
	require.Equal(t, []string{"chat-0 running 9100", "chat-1 running 9101"}, shown(t, a))
	refused, is := errors.AsType[*autoscale.Refused](a.Scale(t.Context(), order("5", 0, "chat-1")))
	require.True(t, is)
	require.Equal(t, "asked for: 0, left: 1: only servers that have been drained are stopped", refused.Reason)
	require.Equal(t, []string{"chat-0 running 9100"}, shown(t, a))
	for _, o := range []autoscale.Order{order("6", 5), order("7", -1)} {
		_, is = errors.AsType[*autoscale.Refused](a.Scale(t.Context(), o))
		require.True(t, is)
	}
	require.Len(t, heard.of(event.ReplicaStarted), 3)
	require.Eventually(t, func() bool { return len(heard.of(event.ReplicaEnded)) == 2 }, time.Minute, time.Millisecond, "told after it is gone")
}

// TestAnotherGatewayFindsThemAgain, at whatever moment the first one was killed.
func TestAnotherGatewayFindsThemAgain(t *testing.T) {
	f := newFake(t)
	first, _ := f.actuator(t, usual)
	require.NoError(t, first.Scale(t.Context(), order("1", 3)))
	f.set(func() { f.containers[1].State = "created" }) // killed before the start
	second, _ := f.actuator(t, usual)
	c, err := second.Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, c.Wanted)
	require.Equal(t, 3, c.Running)
	require.Equal(t, autoscale.Starting, c.Replicas[1].State)
	require.NoError(t, second.Scale(t.Context(), order("1", 3)))
	require.Equal(t, []string{"chat-0 running 9100", "chat-1 running 9101", "chat-2 running 9102"}, shown(t, second))
	require.Equal(t, 3, f.called("POST /containers/create"))
}

func TestTheBodyOfACreation(t *testing.T) {
	f := newFake(t)
	s := usual
	s.Env, s.GPUs, s.ContainerPort = []string{"NAME={name}", "PORT={port}"}, []string{"0,1", "2,3"}, 8000
	s.Create = `{"HostConfig": {"IpcMode": "host", "Binds": ["/models/{slot}:/models"]}, "Labels": {"mine": "yes"}}`
	a, _ := f.actuator(t, s)
	require.NoError(t, a.Scale(t.Context(), order("1", 2)))
	body := f.containers[1].body
	require.Equal(t, map[string]any{
		"Image": "serve:1", "Cmd": []any{"--port", "9101"}, "Env": []any{"NAME=chat-1", "PORT=9101"},
		"ExposedPorts": map[string]any{"8000/tcp": map[string]any{}},
		"Labels":       map[string]any{"steelyard.upstream": "chat", "steelyard.slot": "1", "steelyard.port": "9101", "mine": "yes"},
		"HostConfig": map[string]any{
			"IpcMode": "host", "Binds": []any{"/models/1:/models"}, "RestartPolicy": map[string]any{"Name": "unless-stopped"},
			"PortBindings":   map[string]any{"8000/tcp": []any{map[string]any{"HostIp": "127.0.0.1", "HostPort": "9101"}}},
			"DeviceRequests": []any{map[string]any{"Driver": "nvidia", "DeviceIDs": []any{"2", "3"}, "Capabilities": []any{[]any{"gpu"}}}},
		},
	}, body)
	require.Equal(t, "/steelyard-chat-1", f.containers[1].Names[0])
	a.Configure(usual)
	require.NoError(t, a.Scale(t.Context(), order("2", 3)))
	require.Equal(t, "host", f.containers[2].body["HostConfig"].(map[string]any)["NetworkMode"])
	require.Equal(t, "steelyard-my_chat__-0", containerName("my chat/ü", 0))
}

// TestTheVersionIsNegotiated with engines old and new, and anew when the engine is replaced.
func TestTheVersionIsNegotiated(t *testing.T) {
	f := newFake(t)
	for _, c := range []struct {
		version string
		least   int
		want    string
	}{{"1.41", 12, "/v1.41"}, {"1.44", 44, "/v1.44"}, {"1.99", 44, "/v1.51"}} {
		f.set(func() { f.version, f.least = c.version, c.least })
		a, _ := f.actuator(t, usual)
		_, err := a.Count(t.Context())
		require.NoError(t, err, c.version)
		require.Equal(t, c.want, a.engine.version)
	}
	f.set(func() { f.version, f.least = "1.41", 12 })
	a, _ := f.actuator(t, usual)
	_, err := a.Count(t.Context())
	require.NoError(t, err)
	f.set(func() { f.version, f.least = "1.52", 44 })
	_, err = a.Count(t.Context())
	require.NoError(t, err, "the engine was replaced by a newer one")
	require.Equal(t, "/v1.51", a.engine.version)
	for version, want := range map[string]string{
		"1.24": "knows its API up to version 1.24, and 1.25 is needed", "": `is of version "", which is none`, "2.0": "which is none", "1.x": "which is none",
	} {
		f.set(func() { f.version = version })
		a, _ := f.actuator(t, usual)
		_, err := a.Count(t.Context())
		require.ErrorContains(t, err, want)
	}
}

func TestWhatTheEngineRefuses(t *testing.T) {
	f := newFake(t)
	a, heard := f.actuator(t, usual)
	f.set(func() {
		f.fail["POST /containers/create"] = func(w http.ResponseWriter) { say(w, 404, "No such image: serve:1") }
	})
	err := a.Scale(t.Context(), order("1", 1))
	refused, is := errors.AsType[*autoscale.Refused](err)
	require.True(t, is)
	require.Equal(t, "the image serve:1 is not on this machine: docker pull serve:1", refused.Reason)
	f.set(func() {
		delete(f.fail, "POST /containers/create")
		f.fail["POST /containers/id1/start"] = func(w http.ResponseWriter) { say(w, 500, "driver failed programming external connectivity") }
	})
	err = a.Scale(t.Context(), order("1", 1))
	require.EqualError(t, err, "start a container: the Docker Engine answered 500: driver failed programming external connectivity")
	require.Len(t, heard.of(event.ReplicaFailed), 1)
	f.set(func() { delete(f.fail, "POST /containers/id1/start") })
	require.NoError(t, a.Scale(t.Context(), order("1", 1)), "the same order goes on where it stopped")
	require.Equal(t, []string{"chat-0 running 9100"}, shown(t, a))
	require.Equal(t, 2, f.called("POST /containers/create"))
	f.set(func() {
		f.fail["GET /containers/json"] = func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>")) }
	})
	_, err = a.Count(t.Context())
	require.ErrorContains(t, err, "read the Docker Engine's answer", "that is not none")
}

func TestAContainerThatFails(t *testing.T) {
	f := newFake(t)
	a, _ := f.actuator(t, usual)
	require.NoError(t, a.Scale(t.Context(), order("1", 2)))
	f.set(func() { f.containers[1].State, f.containers[1].Status = "restarting", "Restarting (1) 3 seconds ago" })
	c, err := a.Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, c.Running)
	require.Equal(t, "its container is restarting: Restarting (1) 3 seconds ago", c.Replicas[1].Problem)
	require.Empty(t, c.Replicas[1].URL)
	require.NoError(t, a.Scale(t.Context(), order("2", 1, "chat-0")))
	require.Equal(t, []string{"chat-0 running 9100"}, shown(t, a), "what does not run goes first")
}

func TestNoEngine(t *testing.T) {
	a := New("chat", filepath.Join(t.TempDir(), "none.sock"), usual, nil)
	_, err := a.Count(t.Context())
	require.ErrorContains(t, err, "no such file or directory: start Docker, or give its socket in scale.actuator.socket")
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = New("chat", file, usual, nil).Count(t.Context())
	require.ErrorContains(t, err, "connection refused: start Docker")
}

// TestAnEngineThatHangs is given up when the time of whoever asks is over.
func TestAnEngineThatHangs(t *testing.T) {
	f := newFake(t)
	end := make(chan struct{})
	defer close(end)
	f.set(func() { f.fail["GET /containers/json"] = func(http.ResponseWriter) { <-end } })
	a, _ := f.actuator(t, usual)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, a.Scale(ctx, order("1", 1)), context.DeadlineExceeded)
}

func TestEventsAreHeard(t *testing.T) {
	f := newFake(t)
	a, _ := f.actuator(t, usual)
	ctx, cancel := context.WithCancel(t.Context())
	changed := make(chan struct{}, 100)
	var running sync.WaitGroup
	running.Go(func() { _ = a.Run(ctx, func() { changed <- struct{}{} }) })
	defer running.Wait()
	defer cancel()
	hear := func() {
		t.Helper()
		select {
		case <-changed:
		case <-time.After(time.Minute):
			t.Fatal("nothing is heard")
		}
	}
	hear() // those that there are
	f.events <- "die"
	hear()
	f.events <- "end" // the engine restarts
	hear()            // what was missed
	f.events <- "start"
	hear()
}

func TestPortsOfStrangers(t *testing.T) {
	f := newFake(t)
	s := usual
	s.Last = 9101
	a, heard := f.actuator(t, s)
	a.ports.Free = func(port int) bool { return port != 9100 }
	require.ErrorContains(t, a.Scale(t.Context(), order("1", 2)), "no port from 9100 to 9101 is free")
	require.Equal(t, []string{"chat-0 running 9101"}, shown(t, a))
	require.Len(t, heard.of(event.PortTaken), 1)
	a.ports.Free = func(int) bool { return true }
	require.NoError(t, a.Scale(t.Context(), order("1", 2)))
	require.Equal(t, []string{"chat-0 running 9101", "chat-1 running 9100"}, shown(t, a))
}
