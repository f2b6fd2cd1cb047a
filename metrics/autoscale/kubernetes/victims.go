// Which pods go.

package kubernetes

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/steelyard-proxy/steelyard/balancer/discovery/kubernetes/api"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
)

// costKey is the annotation of a pod by which a ReplicaSet chooses: the lowest goes first.
const costKey = "controller.kubernetes.io/pod-deletion-cost"

// lowestCost is that of the first victim; the next have one more each.
const lowestCost = -1000

// pod is what is read of one.
type pod struct {
	Metadata struct {
		Deleted string `json:"deletionTimestamp"`
	} `json:"metadata"`
	Status struct {
		Conditions []struct {
			Type   string `json:"type"`
			Status string `json:"status"`
		} `json:"conditions"`
	} `json:"status"`
}

func (p *pod) ready() bool {
	for _, c := range p.Status.Conditions {
		if c.Type == "Ready" {
			return c.Status == "True"
		}
	}
	return false
}

func (a *Actuator) pod(name string) api.Resource {
	return api.Resource{Version: "v1", Kind: "pods", Namespace: a.options.Namespace, Name: name}
}

// Choose returns which n of these pods go first if the number is lowered, in that order; nil: those that are named as an
// order's victims.
func (a *Actuator) Choose(names []string, n int) []string {
	if !a.byOrdinal() {
		return nil
	}
	chosen := slices.Clone(names)
	slices.SortStableFunc(chosen, func(x, y string) int {
		i, _ := ordinal(x)
		j, _ := ordinal(y)
		return cmp.Compare(j, i)
	})
	return chosen[:min(max(n, 0), len(chosen))]
}

// ordinal is the number at the end of a pod's name; -1: it has none.
func ordinal(name string) (int, bool) {
	n, err := strconv.Atoi(name[strings.LastIndexByte(name, '-')+1:])
	if err != nil || n < 0 {
		return -1, false
	}
	return n, true
}

// lowest is how low the number may be set now, for an order that wants it lower: each pod that goes must be drained, or not ready.
func (a *Actuator) lowest(ctx context.Context, now int, o *autoscale.Order) (int, error) {
	if now <= o.To {
		return now, nil
	}
	if a.byOrdinal() {
		return a.lowestOrdinal(ctx, now, o)
	}
	if err := a.settled(ctx); err != nil {
		return now, err
	}
	may := now
	for i, name := range o.Victims {
		there, err := a.mark(ctx, name, lowestCost+i)
		if err != nil {
			return now, err
		}
		if there {
			may--
		}
	}
	return max(may, o.To), nil
}

// settled says that a Deployment is not just being rolled out: then it has two ReplicaSets, both are made smaller, and the cost
// of a pod counts only within its own.
func (a *Actuator) settled(ctx context.Context) error {
	if a.options.Kind != "deployments" {
		return nil
	}
	var is struct {
		Status struct {
			Replicas int `json:"replicas"`
			Updated  int `json:"updatedReplicas"`
		} `json:"status"`
	}
	err := a.options.Client.Get(ctx, a.resource(""), &is)
	switch {
	case api.Is(err, http.StatusForbidden):
		a.once("whether a rollout is under way, in which pods that are not drained may go, cannot be seen: " + err.Error())
	case err != nil:
		return err
	case is.Status.Updated < is.Status.Replicas:
		return fmt.Errorf("%s is being rolled out (%d of %d pods are new): pods that are not drained could go, so the number is lowered later",
			a.resource(""), is.Status.Updated, is.Status.Replicas)
	}
	return nil
}

// mark sets what it costs to end a pod. It reports whether the pod is there and does not end already.
func (a *Actuator) mark(ctx context.Context, name string, cost int) (there bool, err error) {
	patch := map[string]any{"metadata": map[string]any{"annotations": map[string]any{costKey: strconv.Itoa(cost)}}}
	var is pod
	switch err := a.options.Client.Merge(ctx, a.pod(name), patch, &is); {
	case api.Is(err, http.StatusNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("the pod %s, which is drained, could not be marked as the one to go: %w", name, err)
	}
	return is.Metadata.Deleted == "", nil
}

// unmark takes the marks away again, as far as that can be done.
func (a *Actuator) unmark(ctx context.Context, names []string) {
	if a.byOrdinal() {
		return
	}
	patch := map[string]any{"metadata": map[string]any{"annotations": map[string]any{costKey: nil}}}
	for _, name := range names {
		_ = a.options.Client.Merge(ctx, a.pod(name), patch, nil)
	}
}

// lowestOrdinal goes down from the highest ordinal for as long as its pod is a victim, or works for nobody.
func (a *Actuator) lowestOrdinal(ctx context.Context, now int, o *autoscale.Order) (int, error) {
	first, err := a.firstOrdinal(ctx)
	if err != nil {
		return now, err
	}
	to := now
	for ; to > o.To; to-- {
		name := a.options.Name + "-" + strconv.Itoa(first+to-1)
		if slices.Contains(o.Victims, name) {
			continue
		}
		var is pod
		err := a.options.Client.Get(ctx, a.pod(name), &is)
		switch {
		case api.Is(err, http.StatusNotFound), err == nil && !is.ready():
			continue
		case err != nil && !api.Is(err, http.StatusForbidden):
			return now, err
		case to < now:
			return to, nil
		}
		return now, &autoscale.Refused{Reason: fmt.Sprintf("%s ends its highest ordinal first, the pod %s, and that one is not drained", a.resource(""), name)}
	}
	return to, nil
}

// firstOrdinal is the number of a StatefulSet's first pod, which is not always 0.
func (a *Actuator) firstOrdinal(ctx context.Context) (int, error) {
	if a.options.Kind != "statefulsets" {
		return 0, nil
	}
	var set struct {
		Spec struct {
			Ordinals struct {
				Start int `json:"start"`
			} `json:"ordinals"`
		} `json:"spec"`
	}
	err := a.options.Client.Get(ctx, a.resource(""), &set)
	if api.Is(err, http.StatusForbidden) {
		a.once("where the ordinals begin cannot be seen, so 0 is taken: " + err.Error())
		return 0, nil
	}
	return set.Spec.Ordinals.Start, err
}
