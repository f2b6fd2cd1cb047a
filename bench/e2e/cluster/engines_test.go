//go:build cluster && linux

// The servers in the pods: one listener that has all their addresses.

package cluster

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const enginePort = "8000"

// engines answers at the address of each pod that runs, and breaks every connection to the others.
type engines struct {
	mu     sync.Mutex                   // guards the fields below
	pods   map[string]string            // by address: who has it
	conns  map[string]map[net.Conn]bool // by address
	busy   map[string]int               // requests under way, by pod
	served map[string]int               // by pod
	missed int                          // requests to an address at which no pod runs
	hold   time.Duration                // how long an answer takes
}

func newEngines(t *testing.T) *engines {
	e := &engines{pods: map[string]string{}, conns: map[string]map[net.Conn]bool{}, busy: map[string]int{}, served: map[string]int{}, hold: 20 * time.Millisecond}
	l, err := net.Listen("tcp", "0.0.0.0:"+enginePort)
	require.NoError(t, err)
	s := &http.Server{Handler: e, ConnState: e.follow, ConnContext: func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, contextKey{}, hostOf(c))
	}}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return e
}

// contextKey is of a connection's own address.
type contextKey struct{}

func hostOf(c net.Conn) string {
	host, _, _ := net.SplitHostPort(c.LocalAddr().String())
	return host
}

// follow keeps the connections of each address.
func (e *engines) follow(c net.Conn, state http.ConnState) {
	e.mu.Lock()
	defer e.mu.Unlock()
	host := hostOf(c)
	switch {
	case state == http.StateNew && e.pods[host] == "":
		_ = c.Close()
	case state == http.StateNew:
		if e.conns[host] == nil {
			e.conns[host] = map[net.Conn]bool{}
		}
		e.conns[host][c] = true
	case state == http.StateClosed:
		delete(e.conns[host], c)
	}
}

func (e *engines) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _ := r.Context().Value(contextKey{}).(string)
	probe := r.URL.Path == "/health"
	e.mu.Lock()
	name := e.pods[host]
	if name == "" && !probe {
		e.missed++
	}
	if !probe {
		e.busy[name]++
		e.served[name]++
	}
	hold := e.hold
	e.mu.Unlock()
	if name == "" {
		panic(http.ErrAbortHandler)
	}
	_, _ = io.Copy(io.Discard, r.Body)
	if !probe {
		pause(hold)
		e.mu.Lock()
		e.busy[name]--
		e.mu.Unlock()
	}
	_, _ = fmt.Fprintln(w, name)
}

func (e *engines) up(address, pod string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pods[address] = pod
}

// down ends a pod's server, unless another pod has the address by now.
func (e *engines) down(address, pod string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if address == "" || e.pods[address] != pod {
		return
	}
	delete(e.pods, address)
	for c := range e.conns[address] {
		_ = c.Close()
	}
	delete(e.conns, address)
}

// figures are how many pods have served, and how many requests met nobody.
func (e *engines) figures() (pods, requests, missed int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, n := range e.served {
		pods, requests = pods+1, requests+n
	}
	return pods, requests, e.missed
}
