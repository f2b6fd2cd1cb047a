// Other gateways in front of the same servers: what they are told, and what is done by what they tell.

package app

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer/shared"
	"github.com/steelyard-proxy/steelyard/balancer/shared/peers"
	"github.com/steelyard-proxy/steelyard/balancer/store"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/metrics/notify/dispatch"
	"github.com/steelyard-proxy/steelyard/proxy/admin"
	"github.com/steelyard-proxy/steelyard/proxy/admission"
)

// The leases: what one gateway does for all.
const (
	leaseScale  = "scale"
	leaseAlerts = "alerts"
)

// documentTime is how long Redis may take with what is large and seldom. No request waits for it.
const documentTime = time.Second

// leastQuick is the least time between two looks at a store.
const leastQuick = 5 * time.Millisecond

// sharing is this gateway as one of several.
type sharing struct {
	app     *App
	config  configs.Shared
	gateway *shared.Gateway // nil: it is alone
	store   *store.Client   // nil: none
	peers   *peers.Peers    // nil: none
	by      string          // what carries pages, for people

	refused map[string]string // why what others told of their use was not taken, by name; of hearUsage alone

	lessons lessons // of facts and hearFacts alone

	hints map[spot]bool // endpoints that others had ejected when they were heard last; of hearFacts alone
	stop  func()        // ends what runs; nil before start

	mu       sync.Mutex                     // guards what follows
	replaced map[string]int64               // what processes that this one has replaced have in flight, by address
	others   shared.Sum                     // what other gateways have
	tellings map[dispatch.Telling]time.Time // what others have told of alerts lately, and when
}

// newSharing prepares what cfg asks for. Nobody is asked before start.
func newSharing(a *App, cfg *configs.Config) (*sharing, error) {
	s := &sharing{app: a, config: cfg.Shared, refused: map[string]string{}}
	if !cfg.Shared.On() {
		return s, nil
	}
	o := shared.Options{
		Name: a.fleet.sender.gateway, Publish: cfg.Shared.Publish, Leases: []string{leaseScale, leaseAlerts},
		Own: s.own, Slots: a.fleet.loads.Slots, Elsewhere: s.hear, Tell: s.tell, Facts: s.facts, Heard: s.hearFacts,
	}
	open := s.openStore
	if cfg.Shared.Redis == "" {
		open = s.openPeers
	}
	if err := open(&o); err != nil {
		return nil, err
	}
	if a.analysis == nil || a.analysis.book == nil {
		o.Post = nil
	} else {
		o.Documents, o.HeardDocument = a.analysis.tell, s.hearUsage
	}
	if s.gateway = shared.New(o); o.Post != nil {
		a.analysis.hurry = s.gateway.TellDocuments
	}
	a.fleet.gateways = s.gateway.Count
	return s, nil
}

// openStore has pages carried by Redis.
func (s *sharing) openStore(o *shared.Options) error {
	c := &s.config
	so, err := store.Parse(c.Redis.RedisURLs()...)
	if err != nil {
		return fmt.Errorf("shared.redis: %w", err)
	}
	so.PasswordFile, so.Timeout, so.Name = c.PasswordFile, c.Timeout, "steelyard-"+o.Name
	s.store = store.New(so)
	r := shared.NewRedis(s.store, c.Cluster)
	o.Transport, o.Keeper, s.by = r, r, s.store.Where()
	so.Timeout = max(so.Timeout, documentTime)
	o.Post = shared.NewRedis(store.New(so), c.Cluster)
	o.Quick = max(o.Publish/20, leastQuick)
	return nil
}

// openPeers has pages carried from gateway to gateway.
func (s *sharing) openPeers(o *shared.Options) error {
	key, err := os.ReadFile(s.config.SecretFile)
	if err != nil {
		return fmt.Errorf("shared.secret_file: %w", err)
	}
	s.peers = peers.New(peers.Options{Addresses: s.config.Peers, Key: bytes.TrimSpace(key), Timeout: s.config.Timeout})
	o.Transport, o.Gateways, o.Post, s.by = s.peers, s.peers.Count, s.peers, "other gateways"
	return nil
}

// hearUsage takes in what another gateway tells of its use. What is refused is said once.
func (s *sharing) hearUsage(name string, text []byte) {
	err, said := s.app.analysis.book.Hear(text, time.Now()), ""
	if err != nil {
		said = err.Error()
	}
	if said != s.refused[name] && said != "" {
		s.app.log.Warn("what another gateway tells of its use is not taken", zap.String("gateway", name), zap.Error(err))
	}
	s.refused[name] = said
}

// gatewayName is what this gateway is called.
func gatewayName(cfg *configs.Config) string {
	if cfg.Shared.Name != "" {
		return cfg.Shared.Name
	}
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

// start begins to tell and hear.
func (s *sharing) start(g *group) {
	if s.gateway == nil {
		return
	}
	s.stop = g.startUntil("share the servers with other gateways", s.gateway.Run)
}

// leave ends it: another process of this gateway tells and hears.
func (s *sharing) leave() {
	if s.stop != nil {
		s.stop()
	}
}

// own is what this gateway has, with what is left of the processes that it has replaced.
func (s *sharing) own() shared.Own {
	o := shared.Own{Load: s.app.fleet.loads.Own(), Under: s.app.handler.Guard.Requests(), Waits: map[string]int64{}, Oldest: s.app.fleet.starving()}
	s.mu.Lock()
	for address, n := range s.replaced {
		o.Load[address] += n
		o.Under += n
	}
	s.mu.Unlock()
	for _, u := range s.app.fleet.all() {
		if n := u.pool.Queue().Waiting; n > 0 {
			o.Waits[u.name] = int64(n)
		}
	}
	return o
}

// hear takes over what other gateways have.
func (s *sharing) hear(sum shared.Sum) {
	s.mu.Lock()
	s.others = sum
	s.count()
	s.mu.Unlock()
	s.bound(sum, s.gateways(), s.gateway == nil || s.gateway.Connected())
}

// bound has what all gateways may have together hold for all together. While the others cannot be reached each takes its part
// alone, by their last known number. Of Run's goroutine alone.
func (s *sharing) bound(sum shared.Sum, gateways int, reached bool) {
	waiting := func(upstream string) int { return int(sum.Waits[upstream]) }
	if !reached && gateways > 1 {
		sum.Under, waiting = admission.Unknown, func(string) int { return math.MaxInt32 }
	}
	if s.config.Limits {
		s.app.handler.Guard.SetElsewhere(gateways, sum.Under)
	}
	for _, u := range s.app.fleet.all() {
		u.pool.SetWaitingElsewhere(gateways, waiting(u.name))
	}
}

// replaces takes over what processes that this one has replaced still have in flight.
func (s *sharing) replaces(load map[string]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replaced = load
	s.count()
}

// count tells the servers' loads the sum of all that other processes have. The caller holds mu, so that
// an older sum never comes after a newer one.
func (s *sharing) count() {
	all := maps.Clone(s.others.Load)
	if all == nil {
		all = map[string]int64{}
	}
	for address, n := range s.others.Left {
		all[address] += n
	}
	for address, n := range s.replaced {
		all[address] += n
	}
	s.app.fleet.loads.SetElsewhere(all)
}

// tell makes an event of news.
func (s *sharing) tell(n shared.News) {
	e := event.Event{Cause: n.Cause, Evidence: map[string]any{"by": s.by}}
	if n.Name != "" {
		e.Evidence["name"] = n.Name
	}
	switch n.What {
	case shared.Alone:
		e.Kind, e.Action = event.GatewaysApart, "what they had in flight counts for 5 s more, and nobody acts for all; they are asked again within 30 s"
	case shared.Together:
		e.Kind = event.GatewaysTogether
	case shared.Came:
		e.Kind = event.GatewayCame
	case shared.Went:
		e.Kind = event.GatewayGone
	case shared.Twice:
		e.Kind = event.GatewayTwice
	case shared.Acts:
		e.Kind = event.Leads
	case shared.Rests:
		e.Kind = event.LeadsNot
	}
	s.app.events.Publish(e)
}

// lease says whether this gateway may act for all; nil where it is alone.
func (s *sharing) lease(name string) func() bool {
	if s.gateway == nil {
		return nil
	}
	return func() bool { return s.gateway.Holds(name) }
}

// gateways is how many there are, 1 where nobody is to be heard.
func (s *sharing) gateways() int {
	if s.gateway == nil {
		return 1
	}
	return s.gateway.Count()
}

// heed tells the policy how many gateways share the servers, where it goes by that. It reports whether that is another number.
// The caller holds mu.
func (u *upstream) heed(gateways int) bool {
	if u.config.Policy != leastCost || gateways == u.gateways {
		return false
	}
	u.gateways, u.options.Policy = gateways, leastCostOf(u.config, gateways)
	return true
}

// starving is how long requests have waited that may go to a server, by its address, where that is long.
func (f *fleet) starving() (oldest map[string]time.Duration) {
	for _, u := range f.all() {
		waited := u.pool.Queue().Oldest
		if waited < shared.LongWait {
			continue
		}
		for _, e := range u.pool.Snapshot().Endpoints {
			if e.Eligible {
				if oldest == nil {
					oldest = map[string]time.Duration{}
				}
				address := e.Endpoint.Server()
				oldest[address] = max(oldest[address], waited)
			}
		}
	}
	return oldest
}

// states are what a scrape shows.
func (s *sharing) states() metrics.Gateways {
	m := metrics.Gateways{Count: s.gateways(), Reached: s.gateway == nil || s.gateway.Connected()}
	if s.gateway == nil {
		return m
	}
	s.mu.Lock()
	for _, n := range s.others.Load {
		m.Elsewhere += n
	}
	s.mu.Unlock()
	seen := map[string]bool{}
	for _, o := range s.gateway.State().Others {
		if !seen[o.Name] {
			seen[o.Name] = true
			m.Others = append(m.Others, metrics.OtherGateway{Name: o.Name, Age: o.Age.Seconds()})
		}
	}
	for _, name := range []string{leaseAlerts, leaseScale} {
		m.Leases = append(m.Leases, metrics.Lease{Name: name, Ours: s.gateway.Holds(name)})
	}
	return m
}

// shown is what the admin listener shows; nil where this gateway is alone.
func (s *sharing) shown() func() admin.Gateways {
	if s.gateway == nil {
		return nil
	}
	return func() admin.Gateways {
		state := s.gateway.State()
		own := s.own()
		shown := admin.Gateways{By: s.by, Cluster: s.config.Cluster, Reached: state.Connected, Cause: state.Cause, Count: s.gateways(),
			ReachedAt: moment(state.Reached.UTC()), Publish: s.config.Publish.Seconds()}
		self := admin.Gateway{Name: state.Name, Self: true, Weight: 1, UnderWay: own.Under, InFlight: sumOf(own.Load), Waiting: sumOf(own.Waits), Leads: leads(state.Leases)}
		shown.Gateways = append(shown.Gateways, self)
		for _, o := range state.Others {
			shown.Gateways = append(shown.Gateways, admin.Gateway{Name: o.Name, HeardSince: o.Since.UTC(), Age: o.Age.Seconds(), Weight: o.Weight,
				UnderWay: o.Under, InFlight: o.InFlight, Waiting: o.Waiting, Leads: leads(o.Leases)})
		}
		return shown
	}
}

func leads(leases map[string]uint64) []admin.Leads {
	list := []admin.Leads{}
	for _, name := range []string{leaseAlerts, leaseScale} {
		if fence, held := leases[name]; held {
			list = append(list, admin.Leads{Lease: name, Fence: fence})
		}
	}
	return list
}

func sumOf(counts map[string]int64) (sum int64) {
	for _, n := range counts {
		sum += n
	}
	return sum
}
