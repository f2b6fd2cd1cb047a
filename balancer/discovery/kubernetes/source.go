// The source: two mirrors, and what follows from them.

package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
	"github.com/steelyard-proxy/steelyard/balancer/discovery/kubernetes/api"
)

const (
	gather      = 50 * time.Millisecond // changes that come so close together are one
	serviceKept = 5 * time.Minute       // before the Service is read again
	podsWait    = 5 * time.Second       // for the first word of the pods
)

// Options say which Service of which cluster.
type Options struct {
	Client    *api.Client
	Namespace string // "": the client's
	Service   string
	Port      string // a name or a number; "": the only one
	Scheme    string // http or https; "": http
	// AllowLoopback takes addresses of this machine too, as tests need it.
	AllowLoopback bool
	// WithoutPods asks no pods for capacity and slots, so that a role need not allow it.
	WithoutPods bool
	// Log is told what was left out or cannot be read, each thing once; nil: nobody is.
	Log func(text string)
}

func (o *Options) scheme() string {
	if o.Scheme == "" {
		return "http"
	}
	return o.Scheme
}

// Source finds the endpoints of one Service.
type Source struct {
	options Options
	woken   chan struct{} // holds one where there is something to look at

	// Of Run's goroutine.
	standing standing
	lookedUp time.Time // when standing was read; zero: it must be
	pauses   discovery.Backoff
	pods     podsMirror

	mu      sync.Mutex // guards the fields below, which the mirrors write
	view    view
	synced  bool  // the slices were listed
	listed  bool  // and Run has not looked since
	away    error // nil: the slices are current
	told    bool  // and the sink knows of away
	noted   map[string]bool
	podsSay bool // the pods were listed, or could not be
}

// New makes a source. It does not connect.
func New(o Options) (*Source, error) {
	switch {
	case o.Client == nil:
		return nil, errors.New("a source of the kind kubernetes needs a client")
	case o.Service == "":
		return nil, errors.New("service is missing: give the name of the Service whose endpoints are to be used")
	case o.Scheme != "" && o.Scheme != "http" && o.Scheme != "https":
		return nil, fmt.Errorf("scheme must be http or https, is %q", o.Scheme)
	}
	if o.Namespace == "" {
		o.Namespace = o.Client.Namespace()
	}
	return &Source{options: o, woken: make(chan struct{}, 1), noted: map[string]bool{}, view: view{slices: map[string]*slice{}}}, nil
}

// Run tells sink what there is until ctx ends.
func (s *Source) Run(ctx context.Context, sink discovery.Sink) {
	ctx, cancel := context.WithCancel(ctx)
	var mirrors sync.WaitGroup
	defer mirrors.Wait()
	defer cancel()
	mirrors.Go(func() {
		(&mirror[slice]{
			client:   s.options.Client,
			resource: api.Resource{Group: "discovery.k8s.io", Version: "v1", Kind: "endpointslices", Namespace: s.options.Namespace},
			query:    api.Query{Labels: "kubernetes.io/service-name=" + s.options.Service},
			hears:    (*slicesHearer)(s),
		}).run(ctx)
	})
	defer s.pods.end()
	again := time.NewTimer(0)
	again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.woken:
		case <-again.C:
		}
		if !discovery.Sleep(ctx, gather) {
			return
		}
		if pause := s.look(ctx, sink); pause > 0 {
			again.Reset(pause)
		}
	}
}

// look tells sink what there is now. It returns when to look again though nothing may have changed; 0: not before then.
func (s *Source) look(ctx context.Context, sink discovery.Sink) time.Duration {
	s.mu.Lock()
	away, told, synced, listed := s.away, s.told, s.synced, s.listed
	s.listed, s.told = false, true
	empty := synced && s.view.empty(&s.options)
	s.mu.Unlock()
	switch {
	case away != nil && !told:
		sink.Failed(away)
		return 0
	case away != nil || !synced:
		return 0
	}
	if listed || empty || time.Since(s.lookedUp) >= serviceKept {
		s.lookedUp = time.Time{}
	}
	if s.lookedUp.IsZero() {
		is, err := s.lookUp(ctx)
		if ctx.Err() != nil {
			return 0
		}
		s.standing = is
		if err != nil && !s.goOn(err, empty) {
			sink.Failed(err)
			return s.pauses.Next()
		}
		s.pauses.Reset()
		s.lookedUp = time.Now()
	}
	if wait := s.followPods(ctx); wait > 0 {
		return wait
	}
	list, problems := s.list()
	for _, text := range problems {
		s.note(text)
	}
	sink.Found(list)
	return 0
}

// goOn says whether the slices can be believed though the Service could not be read.
func (s *Source) goOn(err error, empty bool) bool {
	switch {
	case api.Is(err, http.StatusForbidden):
		s.note("whether the Service exists cannot be known, so an empty list is never believed: " + err.Error())
		return !empty
	case api.Is(err, http.StatusNotFound) && !empty:
		s.note(err.Error())
		return true
	}
	return false
}

// list is what there is now.
func (s *Source) list() (discovery.List, []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view.service = s.standing.strength
	endpoints, problems := s.view.endpoints(&s.options)
	return discovery.List{Endpoints: endpoints, Sure: s.standing.known, Version: s.view.version()}, problems
}

// note tells something once.
func (s *Source) note(text string) {
	const most = 100 // so that what a cluster says cannot fill the log
	if text == "" || s.options.Log == nil {
		return
	}
	s.mu.Lock()
	first := !s.noted[text] && len(s.noted) < most
	if first {
		s.noted[text] = true
	}
	s.mu.Unlock()
	if first {
		s.options.Log(text)
	}
}

// wake lets Run look. It never blocks.
func (s *Source) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}
