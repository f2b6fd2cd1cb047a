//go:build cluster && linux

// A kubelet for all pods: it gives them a node and an address, says that they are ready, and ends them.

package cluster

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/discovery/kubernetes/api"
)

// insecure is a client for the test's own requests.
var insecure = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
	TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, MaxIdleConnsPerHost: 32, ForceAttemptHTTP2: true}}

// grace is how long a pod serves on when it is to end, as one with a preStop pause does.
const grace = 3 * time.Second

type pod struct {
	Metadata struct {
		Name    string `json:"name"`
		UID     string `json:"uid"`
		Deleted string `json:"deletionTimestamp"`
	} `json:"metadata"`
	Spec struct {
		Node string `json:"nodeName"`
	} `json:"spec"`
	Status struct {
		IP string `json:"podIP"`
	} `json:"status"`
}

// kubelet runs the pods of the namespace.
type kubelet struct {
	plane   *plane
	engines *engines
	work    chan func()

	mu    sync.Mutex      // guards the fields below
	known map[string]bool // what was begun for a pod, by its UID and the step
	free  []string        // addresses that pods had, the newest last: they are given out again first
	next  int
	ips   map[string]string // by UID
}

// newKubelet runs until ctx ends.
func newKubelet(ctx context.Context, p *plane, e *engines) *kubelet {
	k := &kubelet{plane: p, engines: e, work: make(chan func(), 20_000), known: map[string]bool{}, ips: map[string]string{}}
	for range 8 {
		go func() {
			for {
				select {
				case do := <-k.work:
					do()
				case <-ctx.Done():
					return
				}
			}
		}()
	}
	go k.follow(ctx)
	return k
}

// follow lists and watches the pods. What fails is begun anew.
func (k *kubelet) follow(ctx context.Context) {
	client := k.plane.client(admin)
	pods := api.Resource{Version: "v1", Kind: "pods", Namespace: namespace}
	see := func(raw json.RawMessage) error {
		var p pod
		err := json.Unmarshal(raw, &p)
		if err == nil && p.Metadata.UID != "" {
			k.see(p)
		}
		return err
	}
	for ctx.Err() == nil {
		version, err := client.List(ctx, pods, api.Query{}, see)
		for err == nil {
			err = client.Watch(ctx, pods, api.Query{Version: version}, func(e api.Event) error {
				if e.Type != api.Added && e.Type != api.Modified {
					return nil
				}
				return see(e.Object)
			})
			if err == nil {
				break
			}
		}
		pause(200 * time.Millisecond)
	}
}

// see does the next step for a pod, once.
func (k *kubelet) see(p pod) {
	switch path := in("v1", "pods", p.Metadata.Name); {
	case p.Metadata.Deleted != "":
		k.once(p.Metadata.UID+" end", func() bool {
			time.AfterFunc(grace, func() { k.work <- func() { k.end(p, path) } })
			return true
		})
	case p.Spec.Node == "":
		k.once(p.Metadata.UID+" bind", func() bool {
			return k.ask(http.MethodPost, path+"/binding", object{"metadata": object{"name": p.Metadata.Name}, "target": object{"kind": "Node", "name": "node-1"}})
		})
	case p.Status.IP == "":
		k.once(p.Metadata.UID+" run", func() bool {
			ip := k.address(p.Metadata.UID)
			k.engines.up(ip, p.Metadata.Name)
			return k.ask(http.MethodPatch, path+"/status", object{"status": object{"phase": "Running", "podIP": ip, "podIPs": []any{object{"ip": ip}},
				"conditions": []any{object{"type": "Ready", "status": "True"}, object{"type": "ContainersReady", "status": "True"}}}})
		})
	}
}

// once does something for the first time. What fails will be seen again.
func (k *kubelet) once(what string, do func() bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known[what] {
		return
	}
	k.known[what] = true
	k.work <- func() {
		for !do() {
			pause(500 * time.Millisecond)
		}
	}
}

// ask reports whether the server took it, or will never take it.
func (k *kubelet) ask(method, path string, body any) bool {
	_, code, err := k.plane.ask(method, path, admin, body)
	return err == nil && (code < 300 || code == http.StatusNotFound || code == http.StatusConflict)
}

// end stops a pod's server and then lets the pod go; only then may another one have its address.
func (k *kubelet) end(p pod, path string) {
	k.mu.Lock()
	ip := k.ips[p.Metadata.UID]
	k.mu.Unlock()
	k.engines.down(ip, p.Metadata.Name)
	for !k.ask(http.MethodDelete, path+"?gracePeriodSeconds=0", object{"gracePeriodSeconds": 0, "preconditions": object{"uid": p.Metadata.UID}}) {
		pause(500 * time.Millisecond)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if ip != "" {
		k.free = append(k.free, ip)
		delete(k.ips, p.Metadata.UID)
	}
}

// address gives one out; those of pods that have just ended come first.
func (k *kubelet) address(uid string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if ip := k.ips[uid]; ip != "" {
		return ip
	}
	ip := ""
	if last := len(k.free) - 1; last >= 0 {
		ip, k.free = k.free[last], k.free[:last]
	} else {
		k.next++
		ip = fmt.Sprintf("10.200.%d.%d", k.next/250, 1+k.next%250)
	}
	k.ips[uid] = ip
	return ip
}
