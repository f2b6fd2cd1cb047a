// Package dns finds endpoints by DNS: all addresses of a name, or the servers of an SRV record.
//
// It asks name servers itself, since only so it learns for how long an answer holds: it asks again when the first of its
// records has ended, but at least each second and at most each Interval. Which servers are asked, and what is appended to a
// name, stands in resolv.conf, as for other programs.
//
// An answer is used whole or not at all. One that is cut off is asked for again over TCP. A name server that fails, does
// not answer, or knows nothing of the name makes the next one be asked. That a name does not exist, or has no address, is
// told as a failure too: it never means that the servers are gone, since that is also what name servers say which have lost
// their data.
//
//	source, err := dns.New(dns.Options{Name: "_http._tcp.engines.test", Record: dns.SRV})
//	source.Run(ctx, sink)
package dns
