package dns

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
)

// find looks once.
func find(t *testing.T, o Options) ([]discovery.Endpoint, time.Duration, error) {
	t.Helper()
	if o.ResolvConf == "" {
		o.ResolvConf = resolvConf(t)
	}
	s, err := New(o)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return s.find(ctx)
}

func urls(list []discovery.Endpoint) []string {
	var all []string
	for _, e := range list {
		all = append(all, e.URL)
	}
	return all
}

func TestAddresses(t *testing.T) {
	s := serveNames(t,
		"engines.test. 20 A 10.0.0.2", "engines.test. 20 A 10.0.0.1", "engines.test. 20 A 10.0.0.1", "engines.test. 9 AAAA fd00::1",
		"six.test. 7 AAAA fd00::2", "mapped.test. 7 AAAA ::ffff:10.0.0.9", "text.test. 7 TXT hello",
	)
	for _, c := range []struct {
		name   string
		record Record
		urls   []string
		holds  time.Duration
		err    string
	}{
		{name: "engines.test", urls: []string{"http://10.0.0.1:8000", "http://10.0.0.2:8000"}, holds: 20 * time.Second},
		{name: "ENGINES.test.", urls: []string{"http://10.0.0.1:8000", "http://10.0.0.2:8000"}, holds: 20 * time.Second},
		{name: "engines.test", record: AAAA, urls: []string{"http://[fd00::1]:8000"}, holds: 9 * time.Second},
		{name: "engines.test", record: Both, urls: []string{"http://10.0.0.1:8000", "http://10.0.0.2:8000", "http://[fd00::1]:8000"}, holds: 9 * time.Second},
		{name: "six.test", urls: []string{"http://[fd00::2]:8000"}, holds: 7 * time.Second},
		{name: "six.test", record: Both, urls: []string{"http://[fd00::2]:8000"}, holds: 7 * time.Second},
		{name: "six.test", record: A, err: "six.test. has no record of type A, says " + s.address},
		{name: "mapped.test", urls: []string{"http://10.0.0.9:8000"}, holds: 7 * time.Second},
		{name: "text.test", err: "text.test. has no record of type A"},
		{name: "gone.test", err: "gone.test. does not exist, says " + s.address + ": write the name"},
	} {
		list, holds, err := find(t, Options{Name: c.name, Record: c.record, Port: 8000, Servers: []string{s.address}})
		if c.err != "" {
			require.ErrorContains(t, err, c.err, c.name)
			continue
		}
		require.NoError(t, err, c.name)
		assert.Equal(t, c.urls, urls(list), c.name)
		assert.Equal(t, c.holds, holds, c.name)
	}
}

// Aliases are followed through an answer, and asked for where it ends at one.
func TestAliases(t *testing.T) {
	s := serveNames(t,
		"a.test. 60 CNAME B.test.", "b.test. 5 CNAME c.test.", "c.test. 30 A 10.0.0.1",
		"x.test. 60 CNAME y.test.", "y.test. 60 CNAME x.test.", "lost.test. 60 CNAME nowhere.test.",
	)
	ask := func(name string) ([]discovery.Endpoint, time.Duration, error) {
		return find(t, Options{Name: name, Port: 80, Servers: []string{s.address}})
	}
	list, holds, err := ask("a.test")
	require.NoError(t, err)
	assert.Equal(t, []string{"http://10.0.0.1:80"}, urls(list))
	assert.Equal(t, 5*time.Second, holds)
	assert.Equal(t, []string{"A a.test."}, s.questions())

	s.answersOddly(func(question *dns.Msg, _ bool) *dns.Msg { // one that does not follow them
		said := with(question, dns.RcodeSuccess)
		for _, rr := range s.records {
			if strings.EqualFold(rr.Header().Name, question.Question[0].Name) {
				said.Answer = append(said.Answer, rr)
			}
		}
		return said
	})
	list, holds, err = ask("a.test")
	require.NoError(t, err)
	assert.Equal(t, []string{"http://10.0.0.1:80"}, urls(list))
	assert.Equal(t, 5*time.Second, holds)
	_, _, err = ask("x.test")
	require.ErrorContains(t, err, "circle")
	s.answersOddly(nil)
	_, _, err = ask("x.test")
	require.ErrorContains(t, err, "circle")
	_, _, err = ask("lost.test")
	require.Error(t, err)

	var long []string
	for i := range 40 {
		long = append(long, fmt.Sprintf("n%d.test. 60 CNAME n%d.test.", i, i+1))
	}
	s.set(t, append(long, "n40.test. 60 A 10.0.0.1")...)
	_, _, err = ask("n0.test")
	require.ErrorContains(t, err, "on and on")
}

// What resolv.conf appends is appended, and a failure for one of the names does not lead to another name's servers.
func TestSearch(t *testing.T) {
	s := serveNames(t, "engines.prod.test. 20 A 10.0.0.1", "engines.lab.test. 20 A 10.9.9.9", "a.b. 20 A 10.0.0.3")
	o := Options{Name: "engines", Port: 80, Servers: []string{s.address}, ResolvConf: resolvConf(t, "search prod.test lab.test", "options ndots:2")}
	list, _, err := find(t, o)
	require.NoError(t, err)
	assert.Equal(t, []string{"http://10.0.0.1:80"}, urls(list))
	o.Name = "a.b"
	list, _, err = find(t, o)
	require.NoError(t, err)
	assert.Equal(t, []string{"http://10.0.0.3:80"}, urls(list))
	assert.Equal(t, []string{"A engines.prod.test.", "A a.b.prod.test.", "A a.b.lab.test.", "A a.b."}, s.questions())

	o.Name = "engines"
	s.answersOddly(func(question *dns.Msg, _ bool) *dns.Msg {
		if strings.Contains(question.Question[0].Name, "prod") {
			return with(question, dns.RcodeServerFailure)
		}
		return nil
	})
	_, _, err = find(t, o)
	require.ErrorContains(t, err, "SERVFAIL")
	o.Name = "nobody"
	s.answersOddly(nil)
	_, _, err = find(t, o)
	require.ErrorContains(t, err, "nobody.prod.test. does not exist")
	require.ErrorContains(t, err, "nobody. does not exist")
}

// resolv.conf says who is asked; it may be missing or empty.
func TestServersOfResolvConf(t *testing.T) {
	var asked []string
	exchange := func(_ context.Context, network, server string, question *dns.Msg) (*dns.Msg, error) {
		asked = append(asked, network+" "+server)
		return with(question, dns.RcodeRefused), nil
	}
	o := Options{Name: "engines.test", Port: 80, Exchange: exchange, ResolvConf: resolvConf(t, "nameserver 10.0.0.53", "nameserver fd00::53", "options attempts:1")}
	_, _, err := find(t, o)
	require.ErrorContains(t, err, "name server 10.0.0.53:53: it answered REFUSED")
	assert.Equal(t, []string{"udp 10.0.0.53:53", "udp [fd00::53]:53"}, asked)
	o.ResolvConf = resolvConf(t)
	_, _, err = find(t, o)
	require.ErrorContains(t, err, "127.0.0.1:53")
	o.ResolvConf = "/nowhere/resolv.conf"
	_, _, err = find(t, o)
	require.ErrorContains(t, err, "give servers")
}

// A server that says nothing of the name makes the next one be asked.
func TestNextServer(t *testing.T) {
	good := serveNames(t, "engines.test. 20 A 10.0.0.1")
	for name, odd := range map[string]func(*dns.Msg) *dns.Msg{
		"SERVFAIL": func(q *dns.Msg) *dns.Msg { return with(q, dns.RcodeServerFailure) },
		"REFUSED":  func(q *dns.Msg) *dns.Msg { return with(q, dns.RcodeRefused) },
		"another question": func(q *dns.Msg) *dns.Msg {
			other := q.Copy()
			other.Question[0].Name = "other.test."
			return with(other, dns.RcodeSuccess)
		},
		"asks nobody for us": func(q *dns.Msg) *dns.Msg { return new(dns.Msg).SetReply(q) },
		"cut off, over TCP as well": func(q *dns.Msg) *dns.Msg {
			said := with(q, dns.RcodeSuccess)
			said.Truncated = true
			return said
		},
	} {
		bad := serveNames(t)
		bad.answersOddly(func(q *dns.Msg, _ bool) *dns.Msg { return odd(q) })
		list, _, err := find(t, Options{Name: "engines.test", Port: 80, Servers: []string{bad.address, good.address}})
		require.NoError(t, err, name)
		assert.Len(t, list, 1)
		_, _, err = find(t, Options{Name: "engines.test", Port: 80, Servers: []string{bad.address}})
		require.ErrorContains(t, err, name)
	}
	list, _, err := find(t, Options{Name: "engines.test", Port: 80, Servers: []string{"127.0.0.1:1", good.address}})
	require.NoError(t, err)
	assert.Len(t, list, 1)
	_, _, err = find(t, Options{Name: "engines.test", Port: 80, Servers: []string{"127.0.0.1:1"}})
	require.ErrorContains(t, err, "refused")
}

// A thousand addresses come over TCP, since UDP cuts them off; and a server that is too old for EDNS is asked without.
func TestThousandAddresses(t *testing.T) {
	var records []string
	for i := range 1000 {
		records = append(records, fmt.Sprintf("engines.test. 20 A 10.1.%d.%d", i/250, i%250+1))
	}
	s := serveNames(t, records...)
	list, _, err := find(t, Options{Name: "engines.test", Port: 80, Servers: []string{s.address}})
	require.NoError(t, err)
	assert.Len(t, list, 1000)
	assert.Len(t, s.questions(), 2)

	s.set(t, records[0])
	s.answersOddly(func(q *dns.Msg, _ bool) *dns.Msg {
		if q.IsEdns0() != nil {
			return with(q, dns.RcodeFormatError)
		}
		return nil
	})
	list, _, err = find(t, Options{Name: "engines.test", Port: 80, Servers: []string{s.address}})
	require.NoError(t, err)
	assert.Len(t, list, 1)
}

func TestServices(t *testing.T) {
	s := serveNames(t,
		"_http._tcp.engines.test. 60 SRV 10 200 8000 big.test.", "_http._tcp.engines.test. 60 SRV 10 50 8001 big.test.",
		"_http._tcp.engines.test. 60 SRV 10 0 8000 Small.test.", "_http._tcp.engines.test. 60 SRV 20 100 8000 far.test.",
		"_http._tcp.engines.test. 60 SRV 20 7 8000 FAR.test.",
		"big.test. 30 A 10.0.0.1", "small.test. 40 AAAA fd00::2", "far.test. 15 A 10.0.0.3", "far.test. 15 A 10.0.0.4",
		"_flat._tcp.engines.test. 60 SRV 0 0 1 big.test.", "_flat._tcp.engines.test. 60 SRV 0 0 2 big.test.",
		"_none._tcp.engines.test. 60 SRV 0 0 0 .",
	)
	list, holds, err := find(t, Options{Name: "_http._tcp.engines.test", Scheme: "https", Servers: []string{s.address}})
	require.NoError(t, err)
	assert.Equal(t, 15*time.Second, holds)
	assert.Equal(t, []discovery.Endpoint{
		{Name: "big.test:8000", URL: "https://10.0.0.1:8000", Capacity: 200},
		{Name: "big.test:8001", URL: "https://10.0.0.1:8001", Capacity: 50},
		{Name: "small.test:8000", URL: "https://[fd00::2]:8000", Capacity: 1},
		{URL: "https://10.0.0.3:8000", Capacity: 100, Tier: 1},
		{URL: "https://10.0.0.4:8000", Capacity: 100, Tier: 1},
	}, list)

	list, _, err = find(t, Options{Name: "_flat._tcp.engines.test", Servers: []string{s.address}})
	require.NoError(t, err)
	assert.Equal(t, []discovery.Endpoint{{Name: "big.test:1", URL: "http://10.0.0.1:1"}, {Name: "big.test:2", URL: "http://10.0.0.1:2"}}, list)
	_, _, err = find(t, Options{Name: "_none._tcp.engines.test", Servers: []string{s.address}})
	require.ErrorContains(t, err, "no such service")
}

// Addresses that come along are not asked for.
func TestServicesWithAddresses(t *testing.T) {
	s := serveNames(t, "_http._tcp.e.test. 60 SRV 0 1 8000 a.test.", "a.test. 5 A 10.0.0.1")
	s.answersOddly(func(q *dns.Msg, _ bool) *dns.Msg {
		said := with(q, dns.RcodeSuccess)
		said.Answer, said.Extra = s.records[:1], s.records[1:]
		return said
	})
	list, holds, err := find(t, Options{Name: "_http._tcp.e.test", Servers: []string{s.address}})
	require.NoError(t, err)
	assert.Equal(t, []string{"http://10.0.0.1:8000"}, urls(list))
	assert.Equal(t, 5*time.Second, holds)
	assert.Equal(t, []string{"SRV _http._tcp.e.test."}, s.questions())
}

// A target that cannot be looked up stays where it was; one that is gone goes; with none left nothing is believed.
func TestTargetThatFails(t *testing.T) {
	s := serveNames(t, "_x._tcp.test. 60 SRV 0 1 80 a.test.", "_x._tcp.test. 60 SRV 0 1 80 b.test.", "a.test. 60 A 10.0.0.1", "b.test. 60 A 10.0.0.2")
	source, err := New(Options{Name: "_x._tcp.test", Servers: []string{s.address}, ResolvConf: resolvConf(t)})
	require.NoError(t, err)
	look := func() ([]string, error) {
		list, _, err := source.find(t.Context())
		return urls(list), err
	}
	all := []string{"http://10.0.0.1:80", "http://10.0.0.2:80"}
	list, err := look()
	require.NoError(t, err)
	assert.Equal(t, all, list)
	code := func(which string, code int) {
		s.answersOddly(func(q *dns.Msg, _ bool) *dns.Msg {
			if q.Question[0].Qtype != dns.TypeSRV && strings.Contains(which, q.Question[0].Name) {
				return with(q, code)
			}
			return nil
		})
	}
	code("b.test.", dns.RcodeServerFailure)
	for range 2 {
		list, err = look()
		require.NoError(t, err)
		assert.Equal(t, all, list)
	}
	code("b.test.", dns.RcodeNameError)
	list, err = look()
	require.NoError(t, err)
	assert.Equal(t, all[:1], list)
	code("a.test. b.test.", dns.RcodeNameError)
	_, err = look()
	require.ErrorContains(t, err, "no target")
}

func TestThousandTargets(t *testing.T) {
	var records []string
	for i := range 1000 {
		records = append(records, fmt.Sprintf("_x._tcp.test. 20 SRV 0 %d 80 s%d.test.", i%7+1, i), fmt.Sprintf("s%d.test. 20 A 10.1.%d.%d", i, i/250, i%250+1))
	}
	s := serveNames(t, records...)
	list, _, err := find(t, Options{Name: "_x._tcp.test", Servers: []string{s.address}, Exchange: s.exchange})
	require.NoError(t, err)
	assert.Len(t, list, 1000)
	good, faults, err := discovery.Check(list)
	require.NoError(t, err)
	assert.Empty(t, faults)
	assert.Len(t, good, 1000)
}

// Addresses where no server is are left out by what believes lists, and told.
func TestAddressesThatAreRefused(t *testing.T) {
	s := serveNames(t, "e.test. 9 A 169.254.169.254", "e.test. 9 A 0.0.0.0", "e.test. 9 A 224.0.0.1", "e.test. 9 A 255.255.255.255", "e.test. 9 A 10.0.0.1",
		"e.test. 9 AAAA fe80::1", "e.test. 9 AAAA ::", "e.test. 9 AAAA ff02::1", "e.test. 9 AAAA ::ffff:169.254.169.254", "e.test. 9 AAAA fd00::1")
	list, _, err := find(t, Options{Name: "e.test", Port: 80, Record: Both, Servers: []string{s.address}})
	require.NoError(t, err)
	good, faults, err := discovery.Check(list)
	require.NoError(t, err)
	slices.SortFunc(good, func(a, b discovery.Endpoint) int { return strings.Compare(a.URL, b.URL) })
	assert.Equal(t, []string{"http://10.0.0.1:80", "http://[fd00::1]:80"}, urls(good))
	assert.Len(t, faults, len(list)-2)
}

func TestOptionsThatAreRefused(t *testing.T) {
	long := strings.Repeat("a", 64)
	for _, c := range []struct {
		o   Options
		why string
	}{
		{Options{Port: 80}, "no name"},
		{Options{Name: ".", Port: 80}, "no name"},
		{Options{Name: "http://e.test", Port: 80}, "without scheme and port"},
		{Options{Name: "e.test:80", Port: 80}, "without scheme and port"},
		{Options{Name: "e..test", Port: 80}, "is no name"},
		{Options{Name: "e test", Port: 80}, "is no name"},
		{Options{Name: long + ".test", Port: 80}, "is no name"},
		{Options{Name: strings.Repeat("aaaaaaa.", 40), Port: 80}, "is no name"},
		{Options{Name: "e.test"}, "give port"},
		{Options{Name: "e.test", Port: 65536}, "give port"},
		{Options{Name: "_x._tcp.e.test", Port: 80}, "leave port out"},
	} {
		_, err := New(c.o)
		require.ErrorContains(t, err, c.why, c.o.Name)
	}
}

func TestLifeOfRecords(t *testing.T) {
	s := &nameServer{}
	for ttl, want := range map[string]time.Duration{"0": 0, "2147483647": mostTTL * time.Second} {
		s.set(t, "e.test. "+ttl+" A 10.0.0.1")
		_, holds, err := find(t, Options{Name: "e.test", Port: 80, Exchange: s.exchange, Servers: []string{"x:1"}})
		require.NoError(t, err)
		assert.Equal(t, want, holds)
	}
	rr, err := dns.NewRR("e.test. 1 A 10.0.0.1")
	require.NoError(t, err)
	rr.Header().Ttl = 1 << 31
	assert.Zero(t, least([]dns.RR{rr}), "RFC 2181 reads it as 0")
}
