// Who is told of alerts: the receivers that the configuration names, as they run.

package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"sync"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/alert"
	"github.com/steelyard-proxy/steelyard/metrics/notify"
	"github.com/steelyard-proxy/steelyard/metrics/notify/channel"
	"github.com/steelyard-proxy/steelyard/metrics/notify/dispatch"
	"github.com/steelyard-proxy/steelyard/proxy/admin"
)

// outageAlerts are the rules about a whole upstream while which its endpoints' alerts are not told.
var outageAlerts = []string{"no-endpoint"}

// notifier tells receivers of alerts. What they know outlives reloads, and the process where a state file is given.
type notifier struct {
	*dispatch.Dispatcher
	gateway string

	mu     sync.Mutex // guards what follows
	list   []toldOf
	made   int                // how many settings of receivers there have been
	group  *group             // nil before start
	cancel context.CancelFunc // nil: it does not run
	ended  chan struct{}      // closed when the run that cancel ends has ended
	left   bool               // another process tells
}

// toldOf is a receiver that is told of alerts, and the number of its settings.
type toldOf struct {
	wantedNotify
	version int
}

// wantedNotify is a receiver as the configuration asks for it. Its files have been read.
type wantedNotify struct {
	config  configs.Notify
	files   [sha256.Size]byte // of their contents
	targets []notify.Target   // of Alertmanager one for each; of a command none
}

// newNotifier hears of the app's alerts.
func newNotifier(a *App) *notifier {
	gateway := a.fleet.sender.gateway
	n := &notifier{gateway: gateway, Dispatcher: dispatch.New(dispatch.Options{
		Alerts: a.alerts.engine.Alerts, Mutes: outageAlerts, Store: a.alerts.store, Events: a.events, Gateway: gateway,
		Problem: func(err error) { a.log.Warn("alerts may be told twice", zap.Error(err)) },
	})}
	if a.shared.gateway != nil {
		n.Others = a.shared
	}
	a.alerts.hear(func(alert.Alert) { n.Wake() })
	return n
}

// prepareNotify reads all that receivers of alerts need.
func prepareNotify(list []configs.Notify) (wanted []wantedNotify, err error) {
	for _, c := range list {
		w, err := wantNotify(c)
		if err != nil {
			return nil, fmt.Errorf("receiver of alerts %s: %w", c.Name, err)
		}
		wanted = append(wanted, w)
	}
	return wanted, nil
}

func wantNotify(c configs.Notify) (w wantedNotify, err error) {
	w.config = c
	if c.Kind == configs.NotifyCommand {
		return w, nil
	}
	t, files, err := readTarget(string(c.URL), c.URLFile, c.SecretFile)
	if err != nil {
		return w, err
	}
	t.Timeout, w.files = c.Timeout, files
	if c.Kind != configs.NotifyAlertmanager {
		w.targets = []notify.Target{t}
		return w, nil
	}
	addresses := c.URLs
	if c.URLFile != "" {
		addresses = configs.Addresses(t.URL.Reveal())
	}
	for _, address := range addresses {
		t.URL = notify.NewSecret(string(address))
		w.targets = append(w.targets, t)
	}
	return w, nil
}

// receiver is what the dispatcher is given.
func (w *toldOf) receiver(gateway string) dispatch.Receiver {
	c := &w.config
	r := dispatch.Receiver{
		Name: c.Name, Kind: c.Kind, Version: strconv.Itoa(w.version), Severity: c.Severity, Timing: dispatch.Usual, Watchdog: c.Watchdog,
	}
	r.Timing.Interval = c.Interval
	if c.GroupWait > 0 {
		r.Timing.Wait = dispatch.Pair{Page: c.GroupWait, Other: c.GroupWait}
	}
	if c.Repeat > 0 {
		r.Timing.Repeat = dispatch.Pair{Page: c.Repeat, Other: c.Repeat}
	}
	switch c.Kind {
	case configs.NotifyWebhook:
		r.Channel = channel.NewWebhook(w.targets[0])
	case configs.NotifySlack:
		r.Channel = channel.NewSlack(w.targets[0])
	case configs.NotifyCommand:
		r.Channel = channel.Command{Args: c.Command, Timeout: c.Timeout}
	case configs.NotifyAlertmanager:
		for _, t := range w.targets {
			r.Mirrors = append(r.Mirrors, channel.NewAlertmanager(t, gateway))
		}
	default:
		panic("BUG: a checked configuration was refused: receiver of kind " + c.Kind)
	}
	return r
}

// adopt takes over the receivers of a configuration. Deliveries to those that have not changed go on.
func (n *notifier) adopt(wanted []wantedNotify) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before := n.list
	n.list = nil
	receivers := make([]dispatch.Receiver, 0, len(wanted))
	for _, w := range wanted {
		i := slices.IndexFunc(before, func(old toldOf) bool {
			return reflect.DeepEqual(old.config, w.config) && old.files == w.files
		})
		one := toldOf{wantedNotify: w}
		if i >= 0 {
			one.version = before[i].version
		} else {
			n.made++
			one.version = n.made
		}
		n.list = append(n.list, one)
		receivers = append(receivers, one.receiver(n.gateway))
	}
	n.SetReceivers(receivers)
}

// filesChanged says whether a file of a receiver has other contents than before or cannot be read any more.
func (n *notifier) filesChanged() bool {
	return slices.ContainsFunc(n.configured(), func(old toldOf) bool {
		now, err := wantNotify(old.config)
		return err != nil || now.files != old.files
	})
}

// fileNames are the files of all receivers.
func (n *notifier) fileNames() (names []string) {
	for _, one := range n.configured() {
		names = append(names, one.config.URLFile, one.config.SecretFile)
	}
	return names
}

func (n *notifier) configured() []toldOf {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.list
}

// start begins to tell.
func (n *notifier) start(g *group) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.group = g
	n.begin()
}

func (n *notifier) begin() {
	if n.group == nil || n.cancel != nil {
		return
	}
	ended := make(chan struct{})
	n.ended = ended
	n.cancel = n.group.startUntil("tell of alerts", func(ctx context.Context) error {
		defer close(ended)
		return n.Run(ctx)
	})
}

// own says whether it is this process that tells. It returns when nobody is told any more if it is not: another
// process reads what has been told.
func (n *notifier) own(ours bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.left = !ours; ours {
		n.begin()
		return
	}
	if n.cancel != nil {
		n.cancel()
		<-n.ended
		n.cancel = nil
	}
}

// leaves says whether another process has read what is kept here: what is added now would be lost.
func (n *notifier) leaves() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.left
}

// states are what a scrape shows.
func (n *notifier) states() (list []metrics.NotifyState) {
	for _, s := range n.Stats() {
		list = append(list, metrics.NotifyState{
			Receiver: s.Receiver, Attempts: s.Attempts, Failed: s.Failed, Delivered: s.Delivered, Refused: s.Refused,
			Outdated: s.Outdated, Dropped: s.Dropped, Waiting: s.Waiting, Failing: s.Failing,
		})
	}
	return list
}

// show adds to alerts what keeps them from being told, and to whom they are.
func (n *notifier) show(alerts []alert.Alert, shown *admin.Alerts) {
	for i := range alerts {
		shown.Alerts[i].SilencedBy, shown.Alerts[i].InhibitedBy = n.Muted(&alerts[i])
	}
	for _, r := range n.Receivers() {
		shown.Receivers = append(shown.Receivers, admin.Receiver{
			Name: r.Name, Kind: r.Kind, Waiting: r.Waiting, LastSuccessAt: moment(r.LastSuccess.UTC()), LastError: r.LastError,
			FailingSince: moment(r.FailingSince.UTC()),
		})
	}
}

// silences are those of the dispatcher as the admin listener shows them.
type silences struct{ *notifier }

func (s silences) Silences() (list []admin.Silence) {
	for _, one := range s.notifier.Dispatcher.Silences() {
		list = append(list, adminSilence(&one))
	}
	return list
}

func (s silences) Silence(wanted admin.Silence) (admin.Silence, error) {
	asked := dispatch.Silence{Author: wanted.Author, Comment: wanted.Comment, EndsAt: wanted.EndsAt}
	for _, m := range wanted.Matchers {
		asked.Matchers = append(asked.Matchers, dispatch.Matcher{Name: m.Name, Value: m.Value, Regex: m.Regex})
	}
	if s.leaves() {
		return wanted, errors.New("another process is taking over from this one: ask again in a moment")
	}
	begun, err := s.notifier.Dispatcher.Silence(asked)
	return adminSilence(&begun), err
}

func adminSilence(s *dispatch.Silence) admin.Silence {
	shown := admin.Silence{ID: s.ID, Author: s.Author, Comment: s.Comment, StartsAt: s.StartsAt.UTC(), EndsAt: s.EndsAt.UTC(), Matchers: []admin.Matcher{}}
	for _, m := range s.Matchers {
		shown.Matchers = append(shown.Matchers, admin.Matcher{Name: m.Name, Value: m.Value, Regex: m.Regex})
	}
	return shown
}
