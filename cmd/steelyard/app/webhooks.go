// Webhooks: those that the configuration names, as they run.

package app

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/metrics/notify"
)

// webhooks are the receivers of events. They outlive a reload that leaves their settings as they are,
// and what waits for them with them.
type webhooks struct {
	events *event.Log
	sender sender

	mu    sync.Mutex // guards what follows
	group *group     // nil before start
	list  []*webhook // in configured order
}

type webhook struct {
	want     wantedWebhook
	receiver *notify.Receiver
	cancel   context.CancelFunc // nil before start
}

// wantedWebhook is a receiver as the configuration asks for it. Its files have been read.
type wantedWebhook struct {
	config configs.Webhook
	files  [sha256.Size]byte // of their contents
	target notify.Target
}

func newWebhooks(events *event.Log, sender sender) *webhooks {
	return &webhooks{events: events, sender: sender}
}

// prepareWebhooks reads all that receivers need.
func prepareWebhooks(list []configs.Webhook) (wanted []wantedWebhook, err error) {
	for _, c := range list {
		target, files, err := readTarget(string(c.URL), c.URLFile, c.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("webhook %s: %w", c.Name, err)
		}
		target.Timeout = c.Timeout
		wanted = append(wanted, wantedWebhook{c, files, target})
	}
	return wanted, nil
}

// readTarget reads where messages go and how they are signed, and a hash of the files that say so.
func readTarget(address, addressFile, secretFile string) (t notify.Target, files [sha256.Size]byte, err error) {
	keys := ""
	if addressFile != "" {
		if address, err = readText(addressFile); err != nil {
			return t, files, fmt.Errorf("read its address: %w", err)
		}
	}
	if secretFile != "" {
		if keys, err = readText(secretFile); err != nil {
			return t, files, fmt.Errorf("read secret_file: %w", err)
		}
	}
	t.URL = notify.NewSecret(strings.TrimSpace(address))
	if t.Keys, err = notify.ReadKeys(keys); err != nil {
		return t, files, fmt.Errorf("read secret_file: %w", err)
	}
	return t, sha256.Sum256([]byte(address + "\x00" + keys)), nil
}

func readText(file string) (string, error) {
	text, err := os.ReadFile(file)
	return string(text), err
}

// filesChanged says whether a file of a receiver has other contents than before or cannot be read any more.
func (w *webhooks) filesChanged() bool {
	return slices.ContainsFunc(w.wanted(), func(old wantedWebhook) bool {
		_, files, err := readTarget(string(old.config.URL), old.config.URLFile, old.config.SecretFile)
		return err != nil || files != old.files
	})
}

// fileNames are the files of all receivers.
func (w *webhooks) fileNames() (names []string) {
	for _, old := range w.wanted() {
		for _, name := range []string{old.config.URLFile, old.config.SecretFile} {
			if name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

func (w *webhooks) wanted() (list []wantedWebhook) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, hook := range w.list {
		list = append(list, hook.want)
	}
	return list
}

// adopt keeps the receivers whose settings are the same, ends the others, which are told what waits for
// them if they take it soon, and begins new ones.
func (w *webhooks) adopt(wanted []wantedWebhook) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.list
	w.list = nil
	for _, want := range wanted {
		i := slices.IndexFunc(before, func(old *webhook) bool {
			return reflect.DeepEqual(old.want.config, want.config) && old.want.files == want.files
		})
		if i >= 0 {
			w.list = append(w.list, before[i])
			before = slices.Delete(before, i, i+1)
			continue
		}
		w.list = append(w.list, &webhook{want: want, receiver: w.newReceiver(want)})
	}
	for _, old := range before {
		old.receiver.Detach() // the new ones follow already: both hear of an event rather than none
		if old.cancel != nil {
			old.cancel()
		}
	}
	w.begin()
}

func (w *webhooks) newReceiver(want wantedWebhook) *notify.Receiver {
	return notify.NewReceiver(notify.Options{
		Name: want.config.Name, Target: want.target, Events: w.events, Gateway: w.sender.gateway, Boot: w.sender.boot,
		Takes: takes(want.config.Severity, want.config.Kinds),
	})
}

// takes says which events a receiver is told.
func takes(severity string, kinds []string) func(event.Event) bool {
	least, err := event.ParseSeverity(severity)
	if err != nil {
		panic("BUG: a checked configuration was refused: " + err.Error())
	}
	return func(e event.Event) bool {
		return e.Kind.Severity() >= least && (len(kinds) == 0 || slices.Contains(kinds, e.Kind.String()))
	}
}

// start begins the deliveries.
func (w *webhooks) start(g *group) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.group = g
	w.begin()
}

// begin starts what does not run yet. The caller holds mu.
func (w *webhooks) begin() {
	if w.group == nil {
		return
	}
	for _, hook := range w.list {
		if hook.cancel == nil {
			hook.cancel = w.group.startUntil("tell webhook "+hook.want.config.Name, hook.receiver.Run)
		}
	}
}

// states are what a scrape shows.
func (w *webhooks) states() (list []metrics.WebhookState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, hook := range w.list {
		s := hook.receiver.Stats()
		list = append(list, metrics.WebhookState{
			Webhook: s.Receiver, Attempts: s.Attempts, Failed: s.Failed,
			Delivered: s.Delivered, Refused: s.Refused, Outdated: s.Outdated, Dropped: s.Dropped, Waiting: s.Waiting,
		})
	}
	return list
}
