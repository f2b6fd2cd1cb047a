// Asking name servers, one after the other, until one says something of the name.

package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	// udpBytes is the largest answer that is asked for without TCP: larger ones may be lost in fragments.
	udpBytes = 1232
	// mostTry bounds one question to one server, whatever resolv.conf says: other servers wait for their turn.
	mostTry = 3 * time.Second
)

// Exchange sends one question to one name server. network is udp or tcp.
type Exchange func(ctx context.Context, network, server string, question *dns.Msg) (*dns.Msg, error)

// resolver asks the name servers that it was configured with.
type resolver struct {
	exchange Exchange
	config   *dns.ClientConfig
	servers  []string
}

// configure reads resolv.conf, which may have changed. Servers, if there are any, are asked instead of its own.
func (r *resolver) configure(file string, servers []string) error {
	config, err := dns.ClientConfigFromFile(file)
	switch {
	case err != nil && len(servers) == 0:
		return fmt.Errorf("no name server is known: %w; give servers", err)
	case err != nil:
		config, _ = dns.ClientConfigFromReader(strings.NewReader(""))
	}
	r.config, r.servers = config, servers
	if len(servers) == 0 {
		for _, host := range config.Servers {
			r.servers = append(r.servers, net.JoinHostPort(host, config.Port))
		}
	}
	if len(r.servers) == 0 {
		r.servers = []string{"127.0.0.1:53"} // as resolv.conf(5) has it
	}
	return nil
}

// absent is what a name server says of a name that does not exist, or has nothing of what was asked for.
type absent struct {
	name, record string
	server       string
	exists       bool // it has other records
}

func (a *absent) Error() string {
	if a.exists {
		return fmt.Sprintf("%s has no record of type %s, says %s", a.name, a.record, a.server)
	}
	return fmt.Sprintf("%s does not exist, says %s", a.name, a.server)
}

// search calls look for each name that the name may stand for, by resolv.conf's search and ndots, until one is there. A
// failure that says nothing of a name ends it: the next name would be another one.
func (r *resolver) search(name string, look func(fqdn string) (addresses, error)) (found addresses, err error) {
	var missing []string
	for _, fqdn := range r.config.NameList(name) {
		if _, ok := dns.IsDomainName(fqdn); !ok {
			continue // too long with what was appended
		}
		found, err = look(fqdn)
		gone, is := errors.AsType[*absent](err)
		if !is {
			return found, err
		}
		missing = append(missing, gone.Error())
	}
	return found, fmt.Errorf("%s: write the name as the name servers know it, or mend the record", strings.Join(missing, "; "))
}

// ask returns the first usable answer of a server.
func (r *resolver) ask(ctx context.Context, fqdn string, kind uint16) (answer *dns.Msg, server string, err error) {
	var first error
	limit := min(time.Duration(r.config.Timeout)*time.Second, mostTry)
	for range r.config.Attempts {
		for _, server := range r.servers {
			answer, err := r.askOne(ctx, limit, server, fqdn, kind)
			if err == nil {
				return answer, server, nil
			}
			if ctx.Err() != nil {
				err = fmt.Errorf("name servers took too long: %w", ctx.Err())
			}
			if first == nil {
				first = fmt.Errorf("name server %s: %w", server, err)
			}
			if ctx.Err() != nil {
				return nil, "", first
			}
		}
	}
	return nil, "", first
}

// askOne asks one server, over TCP as well if the answer does not fit otherwise.
func (r *resolver) askOne(ctx context.Context, limit time.Duration, server, fqdn string, kind uint16) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	question := new(dns.Msg).SetQuestion(fqdn, kind)
	question.SetEdns0(udpBytes, false)
	answer, err := r.exchange(ctx, "udp", server, question)
	if err == nil && (answer.Rcode == dns.RcodeFormatError || answer.Rcode == dns.RcodeNotImplemented) && answer.IsEdns0() == nil {
		question.Extra = nil // it is too old for EDNS
		answer, err = r.exchange(ctx, "udp", server, question)
	}
	if err == nil && answer.Truncated {
		if answer, err = r.exchange(ctx, "tcp", server, question); err == nil && answer.Truncated {
			err = errors.New("its answer is cut off, over TCP as well")
		}
	}
	if err != nil {
		return nil, plain(err)
	}
	return answer, judge(question, answer)
}

// judge returns an error for answers that say nothing of the name.
func judge(question, answer *dns.Msg) error {
	asked := question.Question[0]
	switch {
	case !answer.Response || len(answer.Question) != 1 || answer.Question[0].Qtype != asked.Qtype ||
		answer.Question[0].Qclass != asked.Qclass || !strings.EqualFold(answer.Question[0].Name, asked.Name):
		return errors.New("it answered another question")
	case answer.Rcode == dns.RcodeSuccess && len(answer.Answer) == 0 && !answer.Authoritative && !answer.RecursionAvailable:
		return errors.New("it knows nothing of the name, and asks nobody for us")
	case answer.Rcode != dns.RcodeSuccess && answer.Rcode != dns.RcodeNameError:
		code, known := dns.RcodeToString[answer.Rcode]
		if !known {
			code = fmt.Sprintf("code %d", answer.Rcode)
		}
		return fmt.Errorf("it answered %s", code)
	}
	return nil
}

// plain is an error of a socket in few words.
func plain(err error) error {
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return errors.New("it did not answer in time")
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// exchange is an Exchange by a socket of its own, whose port nobody can guess.
func exchange(ctx context.Context, network, server string, question *dns.Msg) (*dns.Msg, error) {
	client := dns.Client{Net: network, Timeout: mostTry}
	conn, err := client.DialContext(ctx, server)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() {
		if stop() {
			_ = conn.Close()
		}
	}()
	answer, _, err := client.ExchangeWithConnContext(ctx, question, conn)
	if ended := ctx.Err(); err != nil && ended != nil {
		err = ended
	}
	return answer, err
}
