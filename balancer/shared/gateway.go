// This gateway, as one of several.

package shared

import (
	"context"
	"sync"
	"time"
)

// Transport carries what gateways tell each other. It bounds the time of each call.
type Transport interface {
	// Exchange gives away our text of one kind, and returns those of all gateways by identity, as far as it knows. Where it could
	// do only one of the two, it returns texts and an error.
	Exchange(ctx context.Context, kind Kind, id string, text []byte) (texts map[string][]byte, err error)
	// Leave takes back what we have told.
	Leave(ctx context.Context, id string) error
	// Forget drops what a gateway has told that is not heard any more.
	Forget(ctx context.Context, id string)
}

// Kind is what is told.
type Kind string

const (
	Load  Kind = "load"  // what is in flight: soon old
	Facts Kind = "facts" // what changes slowly
	Usage Kind = "usage" // documents of who asks
)

// Options of a Gateway.
type Options struct {
	Name      string
	Epoch     int64         // when the process began; 0: now
	Publish   time.Duration // the longest time between two pages
	Quick     time.Duration // the time between two while anything changes; 0: Publish ÷ 4
	Transport Transport
	Keeper    Keeper     // of leases; nil: gateways vote
	Gateways  func() int // how many there are by configuration, this one included, where they vote
	Leases    []string

	Own       func() Own                    // what this gateway has
	Slots     func() map[string]int64       // of each server of ours, by address; 0: no limit
	Elsewhere func(Sum)                     // is told what the others have, each time it is heard
	Facts     func() []byte                 // what we tell that changes slowly; nil: nothing
	Heard     func(facts map[string][]byte) // is told that of the live others, by identity, each FactsEvery; nil: nobody wants to know
	Tell      func(News)                    // is told what has happened; nil: nobody is

	Post          Post                           // carries documents; nil: there are none
	Documents     func() []byte                  // what we tell of them
	HeardDocument func(name string, text []byte) // is told what another gateway has
}

// Own is what a gateway has.
type Own struct {
	Load   map[string]int64
	Under  int64
	Waits  map[string]int64
	Oldest map[string]time.Duration // by the server's address: how long a request has waited that may go there, from LongWait on
}

// News is something that has happened to the gateways.
type News struct {
	What  What
	Name  string // of the gateway that came or went, or of the lease
	Cause string
}

// What has happened.
type What uint8

const (
	Alone    What = 1 + iota // the others cannot be reached
	Together                 // they can again
	Came                     // another gateway is heard
	Went                     // one is heard no more
	Twice                    // two gateways have one name
	Acts                     // we have a lease now
	Rests                    // we have it no more
)

// FactsEvery is how often what changes slowly is told and heard.
const FactsEvery = 2 * time.Second

// Gateway is this gateway as one of several. Run does all the work; the rest never waits and may be called by anybody.
type Gateway struct {
	Options
	id      string
	keeper  Keeper
	members members
	breaker Breaker       // of Run
	room    *Room         // of Run
	hurry   chan struct{} // holds one

	mu      sync.Mutex // guards what follows
	leases  []*lease
	seq     uint64
	touched time.Time       // since when the others can be reached; zero: they cannot
	apart   bool            // it was told that they cannot, and not yet that they can again
	cause   string          // why not
	asked   time.Time       // when they were last reached
	highest uint64          // fence that we know of
	most    int             // gateways at the last time that they could be reached
	known   map[string]bool // who was live when we looked last
	acting  map[string]bool // the leases that we had then
	twice   map[string]bool // names that two had
}

// New returns a Gateway that knows nobody.
func New(o Options) *Gateway {
	if o.Epoch == 0 {
		o.Epoch = time.Now().UnixNano()
	}
	if o.Quick == 0 {
		o.Quick = o.Publish / 4
	}
	if o.Tell == nil {
		o.Tell = func(News) {}
	}
	g := &Gateway{Options: o, id: identity(o.Name, o.Epoch), keeper: o.Keeper, room: NewRoom(identity(o.Name, o.Epoch), o.Quick), hurry: make(chan struct{}, 1), members: members{name: o.Name, epoch: o.Epoch, begun: time.Now(), all: map[string]*member{}}, most: 1,
		known: map[string]bool{}, acting: map[string]bool{}, twice: map[string]bool{}, cause: "they have not been asked yet"}
	for _, name := range o.Leases {
		g.leases = append(g.leases, &lease{name: name})
	}
	return g
}

// Run tells and hears until ctx ends, and then takes leave.
func (g *Gateway) Run(ctx context.Context) error {
	var b beats
	timer := time.NewTimer(0)
	defer timer.Stop()
	if g.Post != nil {
		var carrying sync.WaitGroup
		defer carrying.Wait()
		carrying.Go(func() { g.carryDocuments(ctx) })
	}
	for {
		select {
		case <-ctx.Done():
			g.leave()
			return nil
		case <-timer.C:
		}
		timer.Reset(g.beat(ctx, &b))
	}
}

// beats is when something was done last, and how things were.
type beats struct {
	kept, facts, changed time.Time
	state                string
	asking               time.Duration // how long the others took to answer, in this beat
	told                 Own           // in this beat; zero: nothing
	work                 time.Duration // what a beat takes, without that and without what other processes did meanwhile
}

// beat does what is due, and returns how long to wait until the next.
func (g *Gateway) beat(ctx context.Context, b *beats) time.Duration {
	now := time.Now()
	b.asking, b.told = 0, Own{}
	if g.breaker.Allows(now) {
		g.exchange(ctx, now, b)
		if !g.breaker.Open() && g.breaker.fails == 0 {
			if now.Sub(b.kept) >= keepEvery || g.keeper == nil {
				b.kept = now
				g.keep(ctx)
			}
			if g.Options.Facts != nil && now.Sub(b.facts) >= FactsEvery {
				b.facts = now
				g.tellFacts(ctx)
			}
		}
	}
	if g.lookAround(ctx, b) {
		b.changed = now
	}
	if g.tookMore(b) && g.breaker.fails == 0 {
		g.exchange(ctx, time.Now(), b)
	}
	switch {
	case g.breaker.fails > 0:
		return min(g.Publish/4, again)
	case now.Sub(b.changed) < restless:
		b.work = min(time.Since(now)-b.asking, b.work+b.work/8+leastWork)
		return min(max(g.Quick, rests*b.work), g.Publish)
	}
	return g.Publish
}

// again is how soon those who did not answer are asked again, until they are taken for away.
const again = 50 * time.Millisecond

// rests is for how many times as long as it works a gateway rests at least, between two pages while anything changes: where there are
// very many servers and gateways they are told less often.
const rests = 20

// leastWork is by how much more a beat is taken to work than the one before, at least: one that took long may have waited for a processor.
const leastWork = 10 * time.Microsecond

// tookMore reports whether requests of ours that waited have got slots by what was just heard. The others are told at once: they
// have heard of the same slots, and would take them as well.
func (g *Gateway) tookMore(b *beats) bool {
	if len(b.told.Waits) == 0 {
		return false
	}
	for address, n := range g.Options.Own().Load {
		if n > b.told.Load[address] {
			return true
		}
	}
	return false
}

// restless is for how long after a change pages are told more often.
const restless = 5 * time.Second

// exchange tells our page and hears those of the others.
func (g *Gateway) exchange(ctx context.Context, now time.Time, b *beats) {
	b.told = g.Options.Own()
	page, asked := g.page(now, b.told, false), time.Now()
	texts, err := g.Transport.Exchange(ctx, Load, g.id, page)
	now = time.Now()
	b.asking += now.Sub(asked)
	for id, text := range texts {
		if p, bad := readPage(text); bad == nil && id == p.id() && id != g.id {
			g.members.hear(p, now)
		}
	}
	g.breaker.Settle(err != nil, now)
	g.settle(err, now)
}
