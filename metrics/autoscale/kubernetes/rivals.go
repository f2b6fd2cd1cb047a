// Others who scale the same target.

package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/discovery/kubernetes/api"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
)

// scaler is what is read of an object that scales something.
type scaler struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		Target struct {
			Version string `json:"apiVersion"`
			Kind    string `json:"kind"`
			Name    string `json:"name"`
		} `json:"scaleTargetRef"`
	} `json:"spec"`
}

// alone refuses to scale what somebody else scales too: each would undo what the other has done.
func (a *Actuator) alone(ctx context.Context) error {
	a.mu.Lock()
	fresh, rival := time.Since(a.looked) < rivalsKept, a.rival
	a.mu.Unlock()
	if fresh {
		return rival
	}
	rival = nil
	for _, kind := range []struct{ group, version, kind, name string }{
		{"autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"},
		{"keda.sh", "v1alpha1", "scaledobjects", "KEDA ScaledObject"},
	} {
		found, err := a.find(ctx, api.Resource{Group: kind.group, Version: kind.version, Kind: kind.kind, Namespace: a.options.Namespace})
		switch {
		case api.Unknown(err): // KEDA is not installed
		case api.Is(err, http.StatusForbidden):
			a.once(fmt.Sprintf("whether a %s scales %s too cannot be seen: %v", kind.name, a.resource(""), err))
		case err != nil:
			return err
		case found != "":
			rival = &autoscale.Refused{Reason: fmt.Sprintf("the %s %q scales %s too, and each would undo what the other does: delete it, or take scale.actuator out", kind.name, found, a.resource(""))}
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.looked, a.rival = time.Now(), rival
	return rival
}

// find is the name of an object of a kind that scales the target; "": there is none.
func (a *Actuator) find(ctx context.Context, r api.Resource) (name string, err error) {
	_, err = a.options.Client.List(ctx, r, api.Query{}, func(raw json.RawMessage) error {
		var s scaler
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		if a.targets(&s) {
			name = s.Metadata.Name
		}
		return nil
	})
	return name, err
}

// targets says whether an object scales the target. KEDA means a Deployment where it names no kind.
func (a *Actuator) targets(s *scaler) bool {
	t := s.Spec.Target
	if t.Kind == "" {
		t.Kind = "Deployment"
	}
	if t.Version == "" {
		t.Version = "apps/v1"
	}
	stem := strings.TrimSuffix(strings.ToLower(t.Kind), "y") // policies
	return t.Name == a.options.Name && group(t.Version) == a.options.Group && strings.HasPrefix(a.options.Kind, stem)
}
