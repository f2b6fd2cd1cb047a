// Requests that servers may die of.

package retry

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Body stands for a request's body, and the path that it goes to.
type Body struct {
	Hash uint64
	Size int // bytes; never 0: what has no body is not suspected
}

// Poison is a body that two endpoints broke off over, the second after the first.
type Poison struct {
	Body
	Endpoints [2]string
}

// Suspects has the bodies over which endpoints broke off, for a minute each, and no more than a
// few hundred. All methods may be called from any goroutine; those that only read take no lock. A
// nil Suspects suspects nobody.
//
// A server that is killed breaks off over whatever it was working on. So one break says little:
// the body must break another endpoint, to which it was sent only after the first had broken. And a body that
// an endpoint has answered whole is innocent for a minute. Where three endpoints break off within ten
// seconds it is no single body that they die of: then none is refused.
type Suspects struct {
	outage atomic.Int64 // no body is refused until then

	mu     sync.Mutex                // taken by those who change what follows
	broken map[string]time.Duration  // by endpoint: when it last broke off
	list   atomic.Pointer[[]suspect] // replaced, never changed; nil or not empty
}

type suspect struct {
	Poison
	standing standing
	since    time.Duration // when the first endpoint broke off
	until    time.Duration // then it is forgotten
}

type standing uint8

const (
	suspected standing = iota
	poisonous
	innocent
)

// Refused is how long a body is refused.
const Refused = time.Minute

const (
	// memory is how long a body is remembered.
	memory = Refused
	// mostSuspects are remembered at once.
	mostSuspects = 256
	// As many endpoints break off in an outage, within so long. One body can break two.
	outageEndpoints, outageSpan = 3, 10 * time.Second
)

// Watches says whether a body of this size may be one of those. It is false, and costs one load, where nothing
// broke off lately.
func (s *Suspects) Watches(size int) bool {
	if s == nil {
		return false
	}
	list := s.list.Load()
	return list != nil && slices.ContainsFunc(*list, func(x suspect) bool { return x.Size == size })
}

// Poisonous says whether the body is to be refused at this moment.
func (s *Suspects) Poisonous(now time.Duration, b Body) bool {
	x := s.find(b)
	if x != nil && now >= x.until {
		s.change(now, b, func(*suspect) {})
		return false
	}
	return x != nil && x.standing == poisonous && int64(now) >= s.outage.Load()
}

func (s *Suspects) find(b Body) *suspect {
	if s == nil {
		return nil
	}
	list := s.list.Load()
	if list == nil {
		return nil
	}
	i := slices.IndexFunc(*list, func(x suspect) bool { return x.Body == b })
	if i < 0 {
		return nil
	}
	return &(*list)[i]
}

// Broke notes that the endpoint broke off over the body, which was sent to it at the moment sent. It
// returns the body's story if it is refused from now on.
func (s *Suspects) Broke(now, sent time.Duration, b Body, endpoint string) (found *Poison) {
	if s == nil {
		return nil
	}
	s.change(now, b, func(x *suspect) {
		s.noteBreak(now, endpoint)
		switch {
		case x.until == 0:
			*x = suspect{Poison: Poison{Body: b, Endpoints: [2]string{endpoint}}, since: now, until: now + memory}
		case x.standing == suspected && sent >= x.since && endpoint != x.Endpoints[0] && int64(now) >= s.outage.Load():
			x.standing, x.Endpoints[1], x.until = poisonous, endpoint, now+memory
			p := x.Poison
			found = &p
		}
	})
	return found
}

// noteBreak notes that an endpoint broke off, and whether that is an outage. The caller holds mu.
func (s *Suspects) noteBreak(now time.Duration, endpoint string) {
	if s.broken == nil {
		s.broken = map[string]time.Duration{}
	}
	s.broken[endpoint] = now
	maps.DeleteFunc(s.broken, func(_ string, at time.Duration) bool { return at <= now-outageSpan })
	if len(s.broken) >= outageEndpoints {
		s.outage.Store(int64(now + outageSpan))
	}
}

// Answered notes that an endpoint has answered the body whole.
func (s *Suspects) Answered(now time.Duration, b Body) {
	if s.find(b) != nil {
		s.change(now, b, func(x *suspect) {
			if x.until != 0 {
				x.standing, x.until = innocent, now+memory
			}
		})
	}
}

// change forgets those whose time is over, and changes that of the body, which has no time yet if it is new.
func (s *Suspects) change(now time.Duration, b Body, change func(*suspect)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var kept []suspect
	var own suspect
	if list := s.list.Load(); list != nil {
		for _, x := range *list {
			switch {
			case now >= x.until:
			case x.Body == b:
				own = x
			default:
				kept = append(kept, x)
			}
		}
	}
	if change(&own); own.until != 0 {
		if len(kept) >= mostSuspects { // the oldest stands first
			kept = kept[1:]
		}
		kept = append(kept, own)
	}
	if len(kept) == 0 {
		s.list.Store(nil)
		return
	}
	s.list.Store(&kept)
}
