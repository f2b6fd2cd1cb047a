// What pods say of their strength.

package kubernetes

import (
	"context"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/discovery/kubernetes/api"
)

// podsMirror is the mirror of the pods that the Service's selector finds. Of Run's goroutine.
type podsMirror struct {
	selector string
	began    time.Time
	cancel   context.CancelFunc // nil: none runs
	ended    chan struct{}
}

// end stops it.
func (p *podsMirror) end() {
	if p.cancel != nil {
		p.cancel()
		<-p.ended
		p.cancel = nil
	}
}

// followPods lets a mirror of the pods run, if there is something to ask. It returns how long to wait for its first word.
func (s *Source) followPods(ctx context.Context) time.Duration {
	wanted := s.standing.selector
	if s.options.WithoutPods || !s.standing.known {
		return 0
	}
	p := &s.pods
	if p.cancel == nil || p.selector != wanted {
		p.end()
		s.mu.Lock()
		s.podsSay = wanted == ""
		s.view.pods = nil
		s.mu.Unlock()
		if wanted == "" {
			p.selector = wanted
			return 0
		}
		s.beginPods(ctx, wanted)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.podsSay {
		return 0
	}
	return max(0, podsWait-time.Since(p.began))
}

func (s *Source) beginPods(ctx context.Context, wanted string) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	s.pods = podsMirror{selector: wanted, began: time.Now(), cancel: cancel, ended: ended}
	m := &mirror[object]{
		client:   s.options.Client,
		resource: api.Resource{Version: "v1", Kind: "pods", Namespace: s.options.Namespace},
		query:    api.Query{Labels: wanted, Meta: true},
		hears:    (*podsHearer)(s),
	}
	go func() {
		defer close(ended)
		m.run(ctx)
	}()
}

// podsHearer is the source as the mirror of the pods sees it.
type podsHearer Source

func (h *podsHearer) replace(items []object) {
	said := make(map[string]strength, len(items))
	for i := range items {
		h.read(said, &items[i])
	}
	h.mu.Lock()
	h.view.pods, h.view.gone = said, map[string]bool{}
	h.mu.Unlock()
	h.said()
}

func (h *podsHearer) change(item object, deleted bool) {
	said := map[string]strength{}
	h.read(said, &item)
	id := item.Metadata.UID
	h.mu.Lock()
	same := h.view.pods[id] == said[id]
	if deleted {
		h.view.gone[id] = true // the slices say when its server is gone
	} else {
		h.view.pods[id] = said[id]
	}
	h.mu.Unlock()
	if !deleted && !same {
		h.said()
	}
}

func (h *podsHearer) current() {}

// failed is no failure of the source: servers can be used without it.
func (h *podsHearer) failed(err error) {
	(*Source)(h).note("capacity and slots of pods cannot be read now, so those of the EndpointSlices and the Service are used: " + err.Error())
	h.said()
}

func (h *podsHearer) read(into map[string]strength, pod *object) {
	is, problem := pod.Metadata.strength()
	(*Source)(h).note(problem)
	if is != (strength{}) {
		into[pod.Metadata.UID] = is
	}
}

// said lets Run go on: pods have said something, or cannot.
func (h *podsHearer) said() {
	h.mu.Lock()
	h.podsSay = true
	h.mu.Unlock()
	(*Source)(h).wake()
}
