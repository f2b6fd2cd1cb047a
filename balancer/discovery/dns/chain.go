// What an answer says of a name, along its aliases.

package dns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// mostAliases bounds a chain of CNAMEs.
const mostAliases = 16

// mostTTL is what RFC 2181 allows; what is larger is 0.
const mostTTL = 1<<31 - 1

// answer is the records of one kind that a name leads to.
type answer struct {
	records []dns.RR
	extra   []dns.RR
	holds   time.Duration
	server  string
}

// records asks for the records of one kind. Aliases are followed, with more questions where an answer ends at one.
func (r *resolver) records(ctx context.Context, fqdn string, kind uint16) (found answer, err error) {
	name, seen, holds := dns.CanonicalName(fqdn), map[string]bool{}, mostTTL*time.Second
	for {
		said, server, err := r.ask(ctx, name, kind)
		if err != nil {
			return answer{}, err
		}
		asked := name
		for {
			if seen[name] || len(seen) >= mostAliases {
				return answer{}, fmt.Errorf("the aliases of %s lead in a circle, or on and on: mend its CNAME records", fqdn)
			}
			seen[name] = true
			if here := of(said.Answer, name, kind); len(here) > 0 {
				return answer{here, said.Extra, min(holds, least(here)), server}, nil
			}
			aliases := of(said.Answer, name, dns.TypeCNAME)
			if len(aliases) == 0 {
				break
			}
			holds = min(holds, least(aliases[:1]))
			name = dns.CanonicalName(aliases[0].(*dns.CNAME).Target)
		}
		if name == asked || said.Rcode == dns.RcodeNameError || hasSOA(said) {
			return answer{}, &absent{name: fqdn, record: dns.TypeToString[kind], server: server, exists: said.Rcode != dns.RcodeNameError}
		}
		delete(seen, name) // the answer ends at an alias, and does not tell what is there
	}
}

// of are the records of one kind that a name has itself.
func of(list []dns.RR, name string, kind uint16) []dns.RR {
	var found []dns.RR
	for _, rr := range list {
		if h := rr.Header(); h.Rrtype == kind && h.Class == dns.ClassINET && dns.CanonicalName(h.Name) == name {
			found = append(found, rr)
		}
	}
	return found
}

// hasSOA says that the server knows the zone, and so that there is nothing more in it.
func hasSOA(said *dns.Msg) bool {
	return slices.ContainsFunc(said.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeSOA })
}

// least is for how long all of the records hold.
func least(list []dns.RR) time.Duration {
	ttl := uint32(mostTTL)
	for _, rr := range list {
		if t := rr.Header().Ttl; t > mostTTL {
			ttl = 0
		} else {
			ttl = min(ttl, t)
		}
	}
	return time.Duration(ttl) * time.Second
}

// addresses are those that a name has, sorted.
type addresses struct {
	list  []netip.Addr
	holds time.Duration
}

// addresses asks for the addresses of a name. That there are none is an *absent.
func (r *resolver) addresses(ctx context.Context, fqdn string, which Record) (found addresses, err error) {
	kinds := map[Record][]uint16{A: {dns.TypeA}, AAAA: {dns.TypeAAAA}}[which]
	if kinds == nil {
		kinds = []uint16{dns.TypeA, dns.TypeAAAA}
	}
	found.holds = mostTTL * time.Second
	var missing error
	for _, kind := range kinds {
		said, err := r.records(ctx, fqdn, kind)
		gone, is := errors.AsType[*absent](err)
		switch {
		case is:
			if missing == nil {
				missing = err
			}
			if !gone.exists {
				return addresses{}, err
			}
			continue
		case err != nil:
			return addresses{}, err // half of the addresses would be taken for all
		}
		found.add(said.records, said.holds)
		if which != Both {
			break
		}
	}
	if len(found.list) == 0 {
		return addresses{}, missing
	}
	found.sort()
	return found, nil
}

func (a *addresses) add(records []dns.RR, holds time.Duration) {
	a.holds = min(a.holds, holds)
	for _, rr := range records {
		var ip netip.Addr
		switch rr := rr.(type) {
		case *dns.A:
			ip, _ = netip.AddrFromSlice(rr.A)
		case *dns.AAAA:
			ip, _ = netip.AddrFromSlice(rr.AAAA)
		}
		if ip = ip.Unmap(); ip.IsValid() && !slices.Contains(a.list, ip) {
			a.list = append(a.list, ip)
		}
	}
}

func (a *addresses) sort() { slices.SortFunc(a.list, netip.Addr.Compare) }

// within are the addresses of a name that came along with an answer.
func within(extra []dns.RR, fqdn string) (found addresses, ok bool) {
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
		if records := of(extra, dns.CanonicalName(fqdn), kind); len(records) > 0 {
			found.holds = mostTTL * time.Second
			found.add(records, least(records))
			found.sort()
			return found, len(found.list) > 0
		}
	}
	return found, false
}

// shown is a name for people.
func shown(fqdn string) string { return strings.TrimSuffix(strings.ToLower(fqdn), ".") }
