package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/proxy"
)

// slotted are two endpoints of four slots each, in front of which clients have to hurry.
func slotted() settings {
	s := defaults()
	s.slots = 4
	s.queue = balancer.QueueOptions{MaxRequests: 100, MaxWait: within}
	s.generation.Lead = proxy.Lead
	s.front.SendRate, s.front.ReadRate, s.front.SendLag, s.front.TakeLag = 1<<10, 1<<10, soon, soon
	return s
}

// othersAreServed says that six requests of somebody else get their answers.
func othersAreServed(t *testing.T, g *gateway) {
	t.Helper()
	for range 6 {
		r, body := dial(t, g).ask(post("hello"))
		require.Equal(t, http.StatusOK, r.StatusCode, body)
	}
}

const slowUpload = "POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 8000000\r\n\r\n"

const (
	slowChunksHead = "POST / HTTP/1.1\r\nHost: x.test\r\nTransfer-Encoding: chunked\r\n\r\n"
	slowChunks     = slowChunksHead + "7a1200\r\n"
)

// Uploads that come byte by byte get no slot, also when they begin fast.
func TestSlowUploadsGetNoSlot(t *testing.T) {
	overBoth(t, func(t *testing.T, s settings) {
		for _, first := range []int{1, 20 << 10} {
			for _, head := range []string{slowUpload, slowChunks} {
				slots := slotted()
				slots.tls = s.tls
				g := serve(t, slots, answering(t, plain("a")), answering(t, plain("b")))
				for range 16 {
					dial(t, g).send(head + strings.Repeat("x", first))
				}
				eventually(t, "the uploads to be read", func() bool { return g.handler.HeldBytes() == 16<<15 })
				othersAreServed(t, g)
				eventually(t, "their leases to be released", func() bool { return g.inFlight() == 0 })
			}
		}
	})
}

// A body that is read ahead of its slot goes out whole, of whatever size.
func TestLargeBodiesAreWholeBeforeTheirSlot(t *testing.T) {
	const size = 6 << 20
	body := strings.Repeat("x", size)
	for name, request := range map[string]string{
		"of known size": fmt.Sprintf("POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: %d\r\n\r\n%s", size, body),
		"in chunks":     fmt.Sprintf("%s%x\r\n%s\r\n0\r\n\r\n", slowChunksHead, size, body),
	} {
		t.Run(name, func(t *testing.T) {
			p := newPuppet(t)
			g := serve(t, slotted(), p.address)
			c := dial(t, g)
			go func() { _, _ = io.WriteString(c.Conn, request[:len(request)-1]) }()
			eventually(t, "all but the end to be held", func() bool { return g.handler.HeldBytes() >= size })
			require.Zero(t, g.inFlight())
			c.send(request[len(request)-1:])
			up := p.accept(t)
			_, got := up.requestWhole()
			require.True(t, body == got, "%d bytes", len(got))
			up.send(plain("thanks"))
			_, answer := c.answer()
			require.Equal(t, "thanks", answer)
		})
	}
}

// What is read ahead leaves half of the memory to others: the rest of the body streams, and
// nobody is refused for it, not by what one client's bodies may hold either.
func TestLargeBodiesStreamWhereMemoryIsShort(t *testing.T) {
	for name, set := range map[string]func(*proxy.Generation){
		"of all":        func(g *proxy.Generation) { g.BodyMemory = 2 << 20 },
		"of one client": func(g *proxy.Generation) { g.ClientBody = 1 << 20 },
	} {
		t.Run(name, func(t *testing.T) {
			const size = 3 << 20
			s := slotted()
			s.front.SendLag = within // no client is slow here
			s.generation.ReplayBytes = 1 << 20
			set(&s.generation)
			p := newPuppet(t)
			g := serve(t, s, p.address)
			c := dial(t, g)
			go func() {
				_, _ = io.WriteString(c.Conn, strings.Replace(slowUpload, "8000000", strconv.Itoa(size), 1)+strings.Repeat("x", size))
			}()
			up := p.accept(t)
			r := up.request()
			require.LessOrEqual(t, g.handler.HeldBytes(), int64(1<<20))
			n, err := io.Copy(io.Discard, r.Body)
			require.NoError(t, err)
			require.EqualValues(t, size, n)
			up.send(plain("thanks"))
			_, answer := c.answer()
			require.Equal(t, "thanks", answer)
		})
	}
}

// Those that become slow when they have got a slot lose it.
func TestUploadsThatBecomeSlowLoseTheirSlot(t *testing.T) {
	p := newPuppet(t)
	s := slotted()
	s.generation.ReplayBytes, s.generation.BodyMemory = 64<<10, 128<<10
	g := serve(t, s, p.address)
	c := dial(t, g)
	go func() { _, _ = io.WriteString(c.Conn, slowUpload+strings.Repeat("x", 1<<20)) }()
	up := p.accept(t)
	up.request()
	r, body := c.answer()
	require.Equal(t, 408, r.StatusCode)
	require.Contains(t, body, `"code":"body_too_slow"`)
	require.Zero(t, g.blamed())
	eventually(t, "the slot to be free", func() bool { return g.inFlight() == 0 })
	eventually(t, "it to be counted", func() bool {
		return g.count(t, "steelyard_client_limited_total", "reason", "send_rate") == 1
	})
}

// What is announced takes no memory, and what has come is counted.
func TestAnnouncedBodiesTakeNoMemory(t *testing.T) {
	s := slotted()
	s.generation.BodyMemory = 1 << 20
	g := serve(t, s, answering(t, plain("a")), answering(t, plain("b")))
	for range 256 {
		dial(t, g).send("POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 4194304\r\n\r\n")
	}
	eventually(t, "the requests to be read", func() bool { _, active, _ := g.front.States(); return active == 256 })
	require.Zero(t, g.handler.HeldBytes())
	othersAreServed(t, g)
}

// Clients that do not take their answers lose the slots that are kept for them.
func TestSlowReadersLoseTheirSlots(t *testing.T) {
	overBoth(t, func(t *testing.T, over settings) {
		s := slotted()
		s.tls, s.slots = over.tls, 1
		p := newPuppet(t)
		g := serve(t, s, p.address)
		for range 4 {
			_, up := askedSlowly(t, g, p, 4<<10) // when the one before has lost the slot
			go func() {
				_, err := io.WriteString(up.Conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
				for piece := make([]byte, 64<<10); err == nil; {
					_, err = up.Write(piece)
				}
			}()
		}
		c := dial(t, g)
		c.send(get)
		asked(t, p).send(plain("hello"))
		_, body := c.answer()
		require.Equal(t, "hello", body)
		eventually(t, "all to be cut", func() bool {
			return g.count(t, "steelyard_client_limited_total", "reason", "read_rate") == 4
		})
		require.Zero(t, g.blamed())
		require.EqualValues(t, 4, g.finished(balancer.ClientGone))
	})
}

// A stream that says little is not taken for a client that takes little.
func TestSlowStreamsAreNotCut(t *testing.T) {
	s := slotted()
	s.front.ReadRate = 1 << 30
	p := newPuppet(t)
	g := serve(t, s, p.address)
	c, up := begin(t, g, p, streamHead)
	c.head()
	for range 5 {
		passes(soon)
		up.send(chunk("data: 1\n\n"))
		c.expect(chunk("data: 1\n\n"))
	}
	up.send("0\r\n\r\n")
	c.expect("0\r\n\r\n")
}

func TestBoundsOnOneClient(t *testing.T) {
	for code, set := range map[string]func(s *settings){
		"client_requests":    func(s *settings) { s.generation.ClientRequests = 2 },
		"client_waiting":     func(s *settings) { s.generation.ClientWaiting = 1 },
		"client_body_memory": func(s *settings) { s.generation.ClientBody = 64 << 10 },
	} {
		t.Run(code, func(t *testing.T) {
			s := slotted()
			s.slots = 1
			set(&s)
			p := newPuppet(t)
			g := serve(t, s, p.address)
			first, second := dial(t, g), dial(t, g)
			first.send(post("1"))
			up := p.accept(t)
			up.requestWhole()
			second.send(post("2"))
			eventually(t, "the second to wait", func() bool { return g.pool.Queue().Waiting == 1 })
			r, body := dial(t, g).ask(post("3"))
			require.Equal(t, 429, r.StatusCode)
			require.Contains(t, body, `"code":"`+code+`"`)
			eventually(t, "it to be counted", func() bool {
				return g.count(t, "steelyard_client_limited_total", "reason", strings.TrimPrefix(code, "client_")) == 1
			})
			up.send(plain("one"))
			_, body = first.answer()
			require.Equal(t, "one", body)
			up.requestWhole()
			up.send(plain("two"))
			_, body = second.answer()
			require.Equal(t, "two", body)
		})
	}
}
