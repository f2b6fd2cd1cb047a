// Getting endpoints back: what the configuration asks for, as it runs.

package app

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"reflect"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/notify"
	"github.com/steelyard-proxy/steelyard/metrics/recovery"
)

// sender is how messages of this process call it.
type sender struct {
	gateway string // its name among gateways, or the machine
	boot    string // different in each run of the program
}

func newSender(gateway string) sender {
	return sender{gateway, rand.Text()}
}

// wantedRecovery is what the configuration asks for. Its files have been read.
type wantedRecovery struct {
	config *configs.Recovery // nil: nothing
	files  [sha256.Size]byte // of their contents
	target notify.Target
}

func prepareRecovery(c *configs.Recovery) (w wantedRecovery, err error) {
	if c == nil {
		return w, nil
	}
	w.config = c
	w.target, w.files, err = readTarget(string(c.Webhook), c.WebhookFile, c.SecretFile)
	w.target.Timeout = c.Timeout
	return w, err
}

func (w *wantedRecovery) same(other *wantedRecovery) bool {
	return reflect.DeepEqual(w.config, other.config) && w.files == other.files
}

// filesChanged says whether a file has other contents than before or cannot be read any more.
func (w *wantedRecovery) filesChanged() bool {
	now, err := prepareRecovery(w.config)
	return err != nil || now.files != w.files
}

// fileNames are those that are named.
func (w *wantedRecovery) fileNames() []string {
	if w.config == nil {
		return nil
	}
	return []string{w.config.WebhookFile, w.config.SecretFile}
}

// setRecovery takes over other settings, and ends what runs by the old ones. The caller holds the fleet's mu.
func (u *upstream) setRecovery(w wantedRecovery) {
	if u.recovery.same(&w) {
		return
	}
	if u.recover != nil {
		u.recover()
	}
	u.recovery, u.recover, u.watch = w, nil, nil
}

// beginRecovery starts what the configuration asks for. It ends when the serving does: a process that
// drains must not restart servers that its successor looks after. The caller holds mu.
func (f *fleet) beginRecovery(u *upstream) {
	c := u.recovery.config
	if c == nil || u.recover != nil {
		return
	}
	var action recovery.Action = recovery.Command{Args: c.Command}
	if len(c.Command) == 0 {
		action = recovery.Webhook{Target: u.recovery.target, Gateway: f.sender.gateway, Boot: f.sender.boot}
	}
	pool := u.pool
	watch := recovery.New(recovery.Options{
		Upstream: u.name, Endpoints: func() []recovery.Endpoint { return outOf(pool.Snapshot()) }, Action: action, Events: f.events,
		After: c.After, Every: c.Every, Limit: c.Limit, Timeout: c.Timeout, DryRun: c.DryRun,
	})
	ctx, cancel := context.WithCancel(f.serving)
	context.AfterFunc(f.group.ctx, cancel)
	u.recover, u.watch = cancel, watch
	f.group.startWith(ctx, "get endpoints of "+u.name+" back", watch.Run)
}

// outOf is how the endpoints are. One that an operator drains, or that is about to go, is out by intent.
func outOf(s *balancer.Snapshot) []recovery.Endpoint {
	list := make([]recovery.Endpoint, len(s.Endpoints))
	for i := range s.Endpoints {
		e := &s.Endpoints[i]
		list[i] = recovery.Endpoint{Name: e.Endpoint.Name(), URL: e.Endpoint.URL()}
		if e.Conditions&(balancer.Draining|balancer.Departing) != 0 {
			continue
		}
		for _, r := range e.Reasons {
			if r.Condition == balancer.ProbeFailed || r.Condition == balancer.Ejected && list[i].Out == "" {
				list[i].Out, list[i].Reason = r.Condition.String(), r.Text
			}
		}
	}
	return list
}
