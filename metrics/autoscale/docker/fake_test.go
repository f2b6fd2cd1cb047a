package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// fakeEngine answers as Docker Engine 29 does: it refuses versions below 1.44.
type fakeEngine struct {
	socket string

	mu         sync.Mutex // guards the fields below
	version    string     // what it says its API is
	least      int        // the minor version below which it refuses
	containers []*fakeContainer
	calls      []string                               // "POST /containers/create"
	fail       map[string]func(w http.ResponseWriter) // by call; nil: as usual
	events     chan string
	last       int
}

type fakeContainer struct {
	listed
	body map[string]any
}

func newFake(t *testing.T) *fakeEngine {
	t.Helper()
	f := &fakeEngine{version: "1.52", least: 44, fail: map[string]func(http.ResponseWriter){}, events: make(chan string, 100)}
	folder, err := os.MkdirTemp("", "engine") // a socket's path may have no more than 100 bytes
	require.NoError(t, err)
	f.socket = filepath.Join(folder, "docker.sock")
	listener, err := net.Listen("unix", f.socket)
	require.NoError(t, err)
	s := &httptest.Server{Listener: listener, Config: &http.Server{Handler: f}}
	s.Start()
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
		_ = os.RemoveAll(folder)
	})
	return f
}

func say(w http.ResponseWriter, status int, message string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

func (f *fakeEngine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/_ping" {
		f.mu.Lock()
		defer f.mu.Unlock()
		w.Header().Set("Api-Version", f.version)
		_, _ = w.Write([]byte("OK"))
		return
	}
	version, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1."), "/")
	minor, err := strconv.Atoi(version)
	path = "/" + path
	f.mu.Lock()
	call := r.Method + " " + path
	f.calls = append(f.calls, call)
	least, fail := f.least, f.fail[call]
	f.mu.Unlock()
	switch {
	case err != nil || minor < least:
		say(w, 400, fmt.Sprintf("client version 1.%d is too old. Minimum supported API version is 1.%d, please upgrade your client to a newer version", minor, least))
	case fail != nil:
		fail(w)
	case path == "/events":
		f.stream(w, r)
	default:
		f.answer(w, r, path)
	}
}

// stream tells events until the client leaves or the word is end.
func (f *fakeEngine) stream(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(200)
	w.(http.Flusher).Flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case word := <-f.events:
			if word == "end" {
				return
			}
			_ = json.NewEncoder(w).Encode(map[string]string{"Type": "container", "Action": word})
			w.(http.Flusher).Flush()
		}
	}
}

func (f *fakeEngine) answer(w http.ResponseWriter, r *http.Request, path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	parts := strings.Split(strings.TrimPrefix(path, "/containers/"), "/")
	switch {
	case path == "/containers/json":
		f.list(w, r.URL.Query())
	case path == "/containers/create":
		f.create(w, r)
	default:
		i := slices.IndexFunc(f.containers, func(c *fakeContainer) bool { return c.ID == parts[0] })
		switch {
		case i < 0:
			say(w, 404, "No such container: "+parts[0])
		case r.Method == http.MethodDelete:
			f.containers = slices.Delete(f.containers, i, i+1)
			w.WriteHeader(204)
		case parts[1] == "start" && f.containers[i].State == "running", parts[1] == "stop" && f.containers[i].State != "running":
			w.WriteHeader(304)
		case parts[1] == "start":
			f.containers[i].State = "running"
			w.WriteHeader(204)
		case parts[1] == "stop":
			f.containers[i].State = "exited"
			w.WriteHeader(204)
		}
	}
}

func (f *fakeEngine) list(w http.ResponseWriter, query url.Values) {
	var filters map[string][]string
	_ = json.Unmarshal([]byte(query.Get("filters")), &filters)
	list := []listed{}
	for _, c := range f.containers {
		label, value, _ := strings.Cut(filters["label"][0], "=")
		if c.Labels[label] == value && (query.Get("all") == "true" || c.State == "running") {
			list = append(list, c.listed)
		}
	}
	_ = json.NewEncoder(w).Encode(list)
}

func (f *fakeEngine) create(w http.ResponseWriter, r *http.Request) {
	name := "/" + r.URL.Query().Get("name")
	for _, c := range f.containers {
		if c.Names[0] == name {
			say(w, 409, fmt.Sprintf("Conflict. The container name %q is already in use by container %q.", name, c.ID))
			return
		}
	}
	c := &fakeContainer{}
	_ = json.NewDecoder(r.Body).Decode(&c.body)
	f.last++
	c.ID, c.Names, c.State, c.Created, c.Labels = fmt.Sprint("id", f.last), []string{name}, "created", time.Now().Unix(), map[string]string{}
	labels, _ := c.body["Labels"].(map[string]any)
	for key, value := range labels {
		c.Labels[key], _ = value.(string)
	}
	f.containers = append(f.containers, c)
	w.WriteHeader(201)
	_ = json.NewEncoder(w).Encode(map[string]any{"Id": c.ID, "Warnings": []string{}})
}

// set changes the engine.
func (f *fakeEngine) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fakeEngine) called(call string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if c == call {
			n++
		}
	}
	return n
}

// told keeps events.
type told struct {
	mu   sync.Mutex
	list []event.Event
}

func (l *told) log() *event.Log {
	return event.NewLog(func(e event.Event) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.list = append(l.list, e)
	})
}

func (l *told) of(kind event.Kind) (list []event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.list {
		if e.Kind == kind {
			list = append(list, e)
		}
	}
	return list
}

// actuator is one whose end the test waits for.
func (f *fakeEngine) actuator(t *testing.T, s Settings) (*Actuator, *told) {
	t.Helper()
	heard := &told{}
	a := New("chat", f.socket, s, heard.log())
	a.ports.Free = func(int) bool { return true }
	t.Cleanup(func() { require.NoError(t, a.Close(context.Background())) })
	return a, heard
}
