// The actuator: what there is, and another number of it.

package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/discovery/kubernetes/api"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
)

const (
	conflicts     = 5               // 409s in a row, before an order is given up
	conflictPause = time.Second / 5 // at most, between two
	rivalsKept    = time.Minute     // before they are looked for again
	upkeep        = 5 * time.Minute // between two looks while nothing is ordered
)

// Options say what is scaled.
type Options struct {
	Client               *api.Client
	Group, Version, Kind string // apps, v1, deployments
	Namespace            string // "": the client's
	Name                 string
	// Log is told what people should know: each thing once while it holds; nil: nobody is.
	Log func(text string)
}

// Actuator scales one target. Its methods may be called from any goroutine.
type Actuator struct {
	options Options

	ordering sync.Mutex        // held while an order is carried out: one at a time
	answered autoscale.Settled // orders that were carried out

	mu     sync.Mutex // guards the fields below
	known  int        // the number that was last seen or set
	seen   bool       // known is one
	looked time.Time  // when rivals were looked for
	rival  error      // nil: none was found
	told   map[string]bool
}

// New makes an actuator. It does not connect.
func New(o Options) (*Actuator, error) {
	switch {
	case o.Client == nil:
		return nil, errors.New("an actuator of the kind kubernetes needs a client")
	case o.Version == "" || o.Kind == "" || o.Name == "":
		return nil, errors.New("target must be KIND/NAME, such as deployment/chat")
	}
	if o.Namespace == "" {
		o.Namespace = o.Client.Namespace()
	}
	return &Actuator{options: o, told: map[string]bool{}}, nil
}

// scale is the subresource. A number that is 0 is left out of what the server sends.
type scale struct {
	Kind       string `json:"kind,omitempty"`
	APIVersion string `json:"apiVersion,omitempty"`
	Metadata   struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
		UID       string `json:"uid,omitempty"`
		Version   string `json:"resourceVersion,omitempty"`
	} `json:"metadata"`
	Spec struct {
		Replicas int `json:"replicas"`
	} `json:"spec"`
	Status *struct {
		Replicas int    `json:"replicas"`
		Selector string `json:"selector,omitempty"`
	} `json:"status,omitempty"`
}

// resource is the target, or a part of it.
func (a *Actuator) resource(part string) api.Resource {
	o := &a.options
	return api.Resource{Group: o.Group, Version: o.Version, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name, Part: part}
}

// read is the present scale.
func (a *Actuator) read(ctx context.Context) (is scale, err error) {
	if err := a.options.Client.Get(ctx, a.resource("scale"), &is); err != nil {
		return is, err
	}
	a.adopt(is.Spec.Replicas)
	return is, nil
}

// adopt notes the number that is in force, and says so if somebody else has set it.
func (a *Actuator) adopt(n int) {
	a.mu.Lock()
	before, seen := a.known, a.seen
	a.known, a.seen = n, true
	a.mu.Unlock()
	if seen && before != n {
		a.log(fmt.Sprintf("somebody else has set %s from %d to %d replicas: that is taken over", a.resource(""), before, n))
	}
}

// Count implements autoscale.Actuator.
func (a *Actuator) Count(ctx context.Context) (autoscale.Count, error) {
	is, err := a.read(ctx)
	if err != nil {
		return autoscale.Count{}, err
	}
	count := autoscale.Count{Wanted: is.Spec.Replicas}
	if is.Status != nil {
		count.Running = is.Status.Replicas
	}
	return count, nil
}

// Scale implements autoscale.Actuator.
func (a *Actuator) Scale(ctx context.Context, o autoscale.Order) error {
	a.ordering.Lock()
	defer a.ordering.Unlock()
	if o.To < 0 {
		return &autoscale.Refused{Reason: fmt.Sprintf("%d replicas cannot be", o.To)}
	}
	if settled, said := a.answered.Said(o.ID); settled {
		return said
	}
	if err := a.alone(ctx); err != nil {
		return err
	}
	for try := 1; ; try++ {
		err := a.set(ctx, &o)
		if err == nil {
			a.answered.Add(o.ID, nil)
			return nil
		}
		if !api.Is(err, http.StatusConflict) || try == conflicts {
			return final(err)
		}
		select { // somebody has changed it between our reading and our writing
		case <-time.After(rand.N(conflictPause)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// set reads the number, and writes another one.
func (a *Actuator) set(ctx context.Context, o *autoscale.Order) error {
	is, err := a.read(ctx)
	if err != nil {
		return err
	}
	to := o.To
	if o.To < o.From {
		if to, err = a.lowest(ctx, is.Spec.Replicas, o); err != nil {
			return err
		}
		if to >= is.Spec.Replicas {
			return nil // it is as low already
		}
	} else if to <= is.Spec.Replicas {
		return nil
	}
	from := is.Spec.Replicas
	is.Spec.Replicas, is.Status = to, nil
	if err := a.options.Client.Put(ctx, a.resource("scale"), &is, nil); err != nil {
		if to < from && !api.Is(err, http.StatusConflict) {
			a.unmark(ctx, o.Victims)
		}
		return err
	}
	a.mu.Lock()
	a.known, a.seen = to, true
	a.mu.Unlock()
	return nil
}

// final makes an error that no further attempt would change one that says so.
func final(err error) error {
	for _, status := range []int{http.StatusForbidden, http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusUnprocessableEntity} {
		if api.Is(err, status) {
			return &autoscale.Refused{Reason: err.Error()}
		}
	}
	return err
}

// Run implements autoscale.Actuator: it looks now and then whether somebody else scales the target, also while nothing is ordered.
func (a *Actuator) Run(ctx context.Context, _ func()) error {
	for {
		if err := a.alone(ctx); err != nil && ctx.Err() == nil {
			a.log(err.Error())
		}
		select {
		case <-time.After(upkeep):
		case <-ctx.Done():
			return nil
		}
	}
}

// Close implements autoscale.Actuator. Pods outlive the gateway.
func (a *Actuator) Close(context.Context) error { return nil }

func (a *Actuator) log(text string) {
	if a.options.Log != nil {
		a.options.Log(text)
	}
}

// once tells something that may hold for long.
func (a *Actuator) once(text string) {
	a.mu.Lock()
	first := !a.told[text] && len(a.told) < 100
	if first {
		a.told[text] = true
	}
	a.mu.Unlock()
	if first {
		a.log(text)
	}
}

// byOrdinal says whether the target's pods are numbered, and the highest one is always the first to go.
func (a *Actuator) byOrdinal() bool {
	return a.options.Kind == "statefulsets" || a.options.Kind == "leaderworkersets"
}

// group is the API group of "apps/v1".
func group(version string) string {
	group, _, has := strings.Cut(version, "/")
	if !has {
		return ""
	}
	return group
}
