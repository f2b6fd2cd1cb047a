package dns

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// nameServer answers as it is told, over UDP and TCP at one address.
type nameServer struct {
	mu      sync.Mutex
	records []dns.RR // guarded by mu, like what follows
	odd     func(question *dns.Msg, overTCP bool) *dns.Msg
	asked   []string
	address string
}

// serveNames starts one that has the records, as zone files have them.
func serveNames(t *testing.T, records ...string) *nameServer {
	t.Helper()
	s := &nameServer{}
	s.set(t, records...)
	var udp net.PacketConn
	var tcp net.Listener
	for range 100 { // the port that UDP has got may be another's with TCP
		var err error
		udp, err = net.ListenPacket("udp", "127.0.0.1:0")
		require.NoError(t, err)
		if tcp, err = net.Listen("tcp", udp.LocalAddr().String()); err == nil {
			break
		}
		require.NoError(t, udp.Close())
	}
	require.NotNil(t, tcp)
	s.address = udp.LocalAddr().String()
	for _, server := range []*dns.Server{
		{PacketConn: udp, Handler: s.handler(false)}, {Listener: tcp, Handler: s.handler(true)},
	} {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = server.ActivateAndServe()
		}()
		<-started
		t.Cleanup(func() {
			_ = server.Shutdown()
			<-done
		})
	}
	return s
}

func (s *nameServer) set(t *testing.T, records ...string) {
	t.Helper()
	var list []dns.RR
	for _, text := range records {
		rr, err := dns.NewRR(text)
		require.NoError(t, err, text)
		list = append(list, rr)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = list
}

// answersOddly has a function look at each question first; nil is its word for the usual answer.
func (s *nameServer) answersOddly(odd func(*dns.Msg, bool) *dns.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.odd = odd
}

func (s *nameServer) questions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *nameServer) handler(overTCP bool) dns.HandlerFunc {
	return func(w dns.ResponseWriter, question *dns.Msg) {
		if answer := s.answer(question, overTCP); answer != nil {
			_ = w.WriteMsg(answer)
		}
	}
}

// exchange is an Exchange without sockets.
func (s *nameServer) exchange(_ context.Context, network, _ string, question *dns.Msg) (*dns.Msg, error) {
	return s.answer(question, network == "tcp"), nil
}

func (s *nameServer) answer(question *dns.Msg, overTCP bool) *dns.Msg {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := question.Question[0]
	s.asked = append(s.asked, dns.TypeToString[q.Qtype]+" "+q.Name)
	if s.odd != nil {
		if said := s.odd(question, overTCP); said != nil {
			return said
		}
	}
	said := new(dns.Msg).SetReply(question)
	said.RecursionAvailable = true
	exists, name := false, strings.ToLower(q.Name)
	for range len(s.records) + 1 {
		alias := ""
		for _, rr := range s.records {
			if strings.ToLower(rr.Header().Name) != name {
				continue
			}
			exists = true
			if c, is := rr.(*dns.CNAME); is && q.Qtype != dns.TypeCNAME {
				said.Answer, alias = append(said.Answer, rr), strings.ToLower(c.Target)
			} else if rr.Header().Rrtype == q.Qtype {
				said.Answer = append(said.Answer, rr)
			}
		}
		if alias == "" {
			break
		}
		name = alias
	}
	if !exists {
		said.Rcode = dns.RcodeNameError
	}
	if !overTCP {
		size := dns.MinMsgSize
		if opt := question.IsEdns0(); opt != nil {
			size = int(opt.UDPSize())
		}
		said.Truncate(size)
	}
	return said
}

// with is an answer of some code.
func with(question *dns.Msg, code int) *dns.Msg {
	said := new(dns.Msg).SetRcode(question, code)
	said.RecursionAvailable = true
	return said
}

// resolvConf writes one.
func resolvConf(t *testing.T, lines ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "resolv.conf")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	return file
}
