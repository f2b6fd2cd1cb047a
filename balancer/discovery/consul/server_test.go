package consul

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"
)

// agent answers as Consul does. It is asked in the test's own process, so that it lives in virtual time.
type agent struct {
	mu      sync.Mutex
	index   uint64
	entries []map[string]any
	changed chan struct{} // closed at each change
	status  int           // 0: 200
	body    string        // "": the entries
	header  string        // X-Consul-Index; "": the index
	queries []string
	tokens  []string
	down    error
	hangs   bool
}

func newAgent(entries ...map[string]any) *agent {
	return &agent{index: 10, entries: entries, changed: make(chan struct{})}
}

func (a *agent) change(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.index++
	f()
	close(a.changed)
	a.changed = make(chan struct{})
}

// RoundTrip implements http.RoundTripper.
func (a *agent) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	a.queries, a.tokens = append(a.queries, r.URL.Path+"?"+r.URL.RawQuery), append(a.tokens, r.Header.Get("X-Consul-Token"))
	down, hangs := a.down, a.hangs
	index, _ := strconv.ParseUint(r.URL.Query().Get("index"), 10, 64)
	blocks := a.status == 0 && index > 0 && index >= a.index
	changed := a.changed
	a.mu.Unlock()
	if down != nil {
		return nil, down
	}
	wait, _ := time.ParseDuration(r.URL.Query().Get("wait"))
	if hangs {
		blocks, wait = true, 24*time.Hour
	}
	if blocks {
		select {
		case <-changed:
		case <-time.After(wait + wait/16):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	w := httptest.NewRecorder()
	a.answer(w)
	response := w.Result()
	response.Request = r
	return response, nil
}

func (a *agent) answer(w *httptest.ResponseRecorder) {
	a.mu.Lock()
	defer a.mu.Unlock()
	header := a.header
	if header == "" {
		header = strconv.FormatUint(a.index, 10)
	}
	w.Header().Set("X-Consul-Index", header)
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	if a.body != "" {
		_, _ = io.WriteString(w, a.body)
		return
	}
	if a.entries == nil {
		_, _ = io.WriteString(w, "[]")
		return
	}
	_ = json.NewEncoder(w).Encode(a.entries)
}

func (a *agent) asked() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.queries
}

// entry is an instance as Consul shows it. more are keys of its Service.
func entry(node, address, id string, port int, more map[string]any) map[string]any {
	service := map[string]any{
		"ID": id, "Service": "chat", "Address": "", "Port": port, "Tags": []string{}, "Meta": map[string]string{},
		"Weights": map[string]int{"Passing": 1, "Warning": 1}, "EnableTagOverride": false, "CreateIndex": 7, "ModifyIndex": 7,
	}
	for key, value := range more {
		service[key] = value
	}
	return map[string]any{
		"Node":    map[string]any{"ID": "40e4a748", "Node": node, "Address": address, "Datacenter": "dc1", "Meta": map[string]string{"consul-network-segment": ""}},
		"Service": service,
		"Checks":  []map[string]any{{"Node": node, "CheckID": "service:" + id, "Status": "passing"}},
	}
}
