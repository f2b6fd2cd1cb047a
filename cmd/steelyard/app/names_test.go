package app_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// How a name server answers.
const (
	wellAnswered int32 = iota
	silent
	servfail
	rubbish
	nxdomain
)

// nameServer answers every question for an IPv4 address with its own.
type nameServer struct {
	mode    atomic.Int32
	address atomic.Pointer[net.IP]
}

// nameServers has the names of this process looked up at a name server of its own, until the
// test ends.
func nameServers(t *testing.T, address string) *nameServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &nameServer{}
	s.leadsTo(address)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.serve(conn)
	}()
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		_ = conn.Close()
		<-done
	})
	return s
}

func (s *nameServer) leadsTo(address string) {
	ip := net.ParseIP(address).To4()
	s.address.Store(&ip)
}

func (s *nameServer) serve(conn net.PacketConn) {
	buf := make([]byte, 2048)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if a := s.answer(buf[:n]); a != nil {
			_, _ = conn.WriteTo(a, from)
		}
	}
}

// answer is by RFC 1035 4.1: a header of 12 bytes, the question, the answers.
func (s *nameServer) answer(question []byte) []byte {
	end := 12
	for question[end] != 0 {
		end += 1 + int(question[end])
	}
	kind := binary.BigEndian.Uint16(question[end+1:])
	end += 5
	head := func(code byte, answers byte) []byte {
		return slices.Concat(question[:2], []byte{0x81, 0x80 | code, 0, 1, 0, answers, 0, 0, 0, 0}, question[12:end])
	}
	switch s.mode.Load() {
	case silent:
		return nil
	case servfail:
		return head(2, 0)
	case rubbish:
		return slices.Repeat([]byte{0xff}, 40)
	case nxdomain:
		return head(3, 0)
	}
	if kind != 1 { // not for an IPv4 address
		return head(0, 0)
	}
	return slices.Concat(head(0, 1), []byte{0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4}, *s.address.Load())
}

// Name servers that fail cost no request and no probe, once the name was known; and a name
// that moves is followed.
func TestNameServersFail(t *testing.T) {
	s := nameServers(t, "127.0.0.1")
	a := backend(t, "a")
	_, port, err := net.SplitHostPort(a.Listener.Addr().String())
	require.NoError(t, err)
	cfg := config(t, "", endpoint("gpu", "http://chat.test:"+port, 1))
	u := &cfg.Upstreams[0]
	u.Connections.MaxIdle = 0
	u.Health.Path, u.Health.Interval, u.Health.Timeout = "/", 20*time.Millisecond, 10*time.Second
	r := run(t, cfg)
	eventually(t, "the first answer", func() bool { return body(t, r.url) == "a" })
	probed := func() int {
		n, err := strconv.Atoi(line(t, r, `steelyard_probes_total{endpoint="gpu",result="up",upstream="chat"}`))
		require.NoError(t, err)
		return n
	}
	for _, mode := range []int32{servfail, nxdomain, silent, rubbish} {
		s.mode.Store(mode)
		if result := map[int32]string{servfail: "failed", nxdomain: "not_found"}[mode]; result != "" {
			eventually(t, "a look-up that ends with "+result, func() bool {
				return line(t, r, `steelyard_name_lookups_total{endpoint="gpu",result="`+result+`",upstream="chat"}`) != "0"
			})
		}
		before := probed()
		eventually(t, "probes", func() bool {
			require.Equal(t, "a", body(t, r.url), "mode %d", mode)
			return probed() > before+3
		})
	}
	assert.Equal(t, "0", line(t, r, `steelyard_probes_total{endpoint="gpu",result="down",upstream="chat"}`))
	s.mode.Store(wellAnswered)
	eventually(t, "a look-up", func() bool {
		return line(t, r, `steelyard_name_lookups_total{endpoint="gpu",result="found",upstream="chat"}`) > "1"
	})

	ln, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Skip("this system has no second loopback address: ", err)
	}
	b := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "b") }))
	_ = b.Listener.Close()
	b.Listener = ln
	b.Start()
	defer b.Close()
	s.leadsTo("127.0.0.2")
	a.Close()
	eventually(t, fmt.Sprintf("requests to follow the name to %s", ln.Addr()), func() bool { return body(t, r.url) == "b" })
}
