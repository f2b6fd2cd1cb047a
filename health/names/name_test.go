package names

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// script is a name whose answers a test sets.
type script struct {
	*Name
	mu     sync.Mutex
	answer []netip.Addr
	err    error
	seen   []time.Duration // when look-ups began
	log    *observer.ObservedLogs
	counts map[Result]int
}

// scripted runs a name, 10.0.0.1 at first, in virtual time until the test ends.
func scripted(t *testing.T, test func(t *testing.T, s *script)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		core, log := observer.New(zap.InfoLevel)
		s := &script{log: log, counts: map[Result]int{}}
		s.Name = New(Options{
			Address: "gpu.test:80", Upstream: "chat", Endpoint: "a", Log: zap.New(core),
			Observe: func(r Result) { s.counts[r]++ },
			Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
				assert.Equal(t, "gpu.test", host)
				s.seen = append(s.seen, time.Since(began))
				s.mu.Lock()
				defer s.mu.Unlock()
				return s.answer, s.err
			},
		})
		s.say(nil, "10.0.0.1")
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait()
		test(t, s)
		stop()
		require.NoError(t, <-done)
	})
}

// say sets what look-ups find from now on.
func (s *script) say(err error, answer ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer, s.err = addresses(answer...), err
}

// after lets time pass, and what is due in it happen.
func (s *script) after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func addresses(list ...string) (found []netip.Addr) {
	for _, a := range list {
		found = append(found, netip.MustParseAddr(a))
	}
	return found
}

// used are the addresses that are dialled, without a wait.
func (s *script) used(t *testing.T) []netip.Addr {
	t.Helper()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	<-s.first
	found, _ := s.addresses(ended)
	return found
}

var (
	servfail = &net.DNSError{Err: "server misbehaving", Name: "gpu.test", IsTemporary: true}
	timeout  = &net.DNSError{Err: "i/o timeout", Name: "gpu.test", IsTimeout: true}
	nxdomain = &net.DNSError{Err: "no such host", Name: "gpu.test", IsNotFound: true}
)

func TestOnlyNamesAreLookedUp(t *testing.T) {
	for _, address := range []string{"127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80", "/run/a"} {
		assert.Nil(t, New(Options{Address: address}), address)
	}
	assert.NotNil(t, New(Options{Address: "gpu.test:80"}))
	var none *Name
	none.Doubt()
	assert.True(t, none.Leads(netip.MustParseAddr("10.0.0.1")))
	assert.NoError(t, none.Run(t.Context()))
}

// While name servers fail, what was known stays in use, however long that lasts, and is said once.
func TestKnownAddressesOutliveNameServers(t *testing.T) {
	for _, failure := range []error{servfail, timeout, errors.New("rubbish")} {
		scripted(t, func(t *testing.T, s *script) {
			s.say(failure)
			s.after(time.Hour)
			assert.Equal(t, addresses("10.0.0.1"), s.used(t))
			assert.True(t, s.Leads(netip.MustParseAddr("10.0.0.1")))
			assert.Greater(t, s.counts[Failed], 3000, "each second")
			require.Equal(t, 1, s.log.FilterMessage("name cannot be looked up").FilterField(zap.String("endpoint", "a")).Len())
			s.say(nil, "10.0.0.2")
			s.after(soon)
			assert.Equal(t, addresses("10.0.0.2"), s.used(t))
			assert.Equal(t, 1, s.log.FilterMessage("name can be looked up again").Len())
			assert.Equal(t, 2, s.log.FilterLevelExact(zap.WarnLevel).Len()+s.log.FilterLevelExact(zap.InfoLevel).Len())
		})
	}
}

// A name that is gone is given up after a while, in which nothing else is heard of it, and
// taken up again at once.
func TestMissingNameIsGivenUpAfterAWhile(t *testing.T) {
	scripted(t, func(t *testing.T, s *script) {
		for range 3 { // each time before it has been long enough
			s.say(nxdomain)
			s.after(hold - 3*soon)
			s.say(servfail)
			s.after(2 * soon)
		}
		assert.Equal(t, addresses("10.0.0.1"), s.used(t))
		s.say(nil) // no address is no name
		s.after(hold)
		assert.Equal(t, addresses("10.0.0.1"), s.used(t))
		s.after(2 * soon)
		assert.Empty(t, s.used(t))
		assert.False(t, s.Leads(netip.MustParseAddr("10.0.0.1")))
		_, err := s.Dial(t.Context(), &net.Dialer{}, "tcp", "gpu.test:80")
		var dns *net.DNSError
		require.ErrorAs(t, err, &dns)
		assert.True(t, dns.IsNotFound)
		assert.Equal(t, 1, s.log.FilterMessageSnippet("no longer used").Len())
		s.say(nil, "10.0.0.1")
		s.after(soon)
		assert.Equal(t, addresses("10.0.0.1"), s.used(t))
	})
}

// A name that moves is followed; kept connections to the old address may stay until three
// answers were without it, which are asked for faster.
func TestNameThatMoves(t *testing.T) {
	scripted(t, func(t *testing.T, s *script) {
		old, moved := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
		s.say(nil, "::ffff:10.0.0.1", "10.0.0.1")
		s.after(every)
		assert.Equal(t, []netip.Addr{old}, s.used(t))
		assert.True(t, s.Leads(old) && !s.Leads(moved) && s.Leads(netip.Addr{}))
		s.say(nil, "10.0.0.2")
		s.after(every)
		assert.Equal(t, []netip.Addr{moved}, s.used(t))
		assert.True(t, s.Leads(old) && s.Leads(moved))
		s.after(soon)
		assert.True(t, s.Leads(old))
		s.after(soon)
		assert.False(t, s.Leads(old))
	})
}

// Look-ups come every 5 s when all is well. A doubt brings one soon, and many bring no more.
func TestPaceOfLookUps(t *testing.T) {
	scripted(t, func(t *testing.T, s *script) {
		s.after(2*every + 2*soon)
		assert.Equal(t, []time.Duration{0, every, 2 * every}, s.seen)
		before := len(s.seen)
		for range 100 {
			s.Doubt()
		}
		s.after(0)
		require.Len(t, s.seen, before+1)
		for range 30 {
			s.Doubt()
			s.after(soon / 10)
		}
		assert.Len(t, s.seen, before+4, "once a second")
	})
}

// Who comes first waits for the first look-up as long as he likes; what fails later makes
// nobody wait.
func TestFirstLookUpIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Options{Address: "gpu.test:80", Lookup: func(ctx context.Context, _ string) ([]netip.Addr, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- n.Run(ctx) }()
		began := time.Now()
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := n.Dial(impatient, &net.Dialer{}, "tcp", "gpu.test:80")
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(began))
		_, err = n.Dial(t.Context(), &net.Dialer{}, "tcp", "gpu.test:80")
		assert.Error(t, err)
		assert.Equal(t, longest, time.Since(began))
		_, err = n.Dial(t.Context(), &net.Dialer{}, "tcp", "gpu.test:80")
		assert.Error(t, err)
		assert.Equal(t, longest, time.Since(began), "it is not waited for again")
		stop()
		assert.NoError(t, <-done)
	})
}

// Whoever waits when a name's upkeep ends learns of it.
func TestEndOfRunReleasesWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Options{Address: "gpu.test:80", Lookup: func(ctx context.Context, _ string) ([]netip.Addr, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		go func() { _ = n.Run(ctx) }()
		_, err := n.Dial(t.Context(), &net.Dialer{}, "tcp", "gpu.test:80")
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	})
}
