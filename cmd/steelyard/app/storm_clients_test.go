package app_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// stormConfig is a configuration drawn by the dice: four upstreams that share the servers, one of which can never be reached.
func stormConfig(d *dice, servers []*moody) string {
	var b strings.Builder
	fmt.Fprintf(&b, `
listen: [{address: "127.0.0.1:0"}]
admin: {address: "127.0.0.1:0"}
timeouts: {body: 1s, client_stall: 1s, idle_client: 5s}
limits: {replay_bytes: 64KiB, body_bytes: 1MiB, body_memory: %dKiB, requests: %d}
clients: {max_requests: %d, max_waiting: %d, max_body_memory: 1MiB}
routes:
  - {path: /chat, upstream: chat, priority: 3}
  - {path: /code, upstream: code, priority: 7}
  - {path: /away, upstream: away}
  - {path: /, upstream: spare}
upstreams:
`, 256+d.roll(1024), 10+d.roll(20), 15+d.roll(15), 3+d.roll(10))
	for _, name := range []string{"chat", "code", "spare", "away"} {
		fmt.Fprintf(&b, `  - name: %s
    policy: %s
    slow_start: %dms
    health: {interval: 500ms, timeout: 500ms}
    timeouts: {connect: 1s, first_byte: %dms, idle: 60ms, total: %dms}
    queue: {order: %s, max_requests: %d, max_wait: %dms, read_ahead: %dms, hold_back: %s}
    retry: {attempts: %d, backoff: 1ms, budget_ratio: 1, idempotent: %s}
    hedge: {after: %s, budget_ratio: 1}
    resume: %s
    outlier: {eject_time: 200ms, max_eject_time: 1s, enforce: %s}
`, name, d.of("capacity", "least_load", "least_cost", "least_cost", "two_choices", "round_robin", "random"), d.roll(2)*300,
			20+d.roll(60), d.roll(2)*(50+d.roll(200)), d.of("fifo", "shortest_first"), d.roll(6), 2+d.roll(30), d.roll(2)*10, d.of("true", "false"),
			1+(d.roll(8)+2)/3, d.of("auto", "auto", "true", "false"), d.of("off", "off", "3ms", "p95"), d.of("true", "true", "true", "false"), d.of("true", "false"))
		if name != "spare" && d.roll(4) > 0 {
			b.WriteString("    fallback: spare\n")
		}
		b.WriteString("    endpoints:\n")
		if name == "away" {
			b.WriteString("      - {name: away, url: \"http://127.0.0.1:1\"}\n")
			continue
		}
		for i, s := range servers {
			if i == 0 || d.roll(8) > 0 { // the first always stays, so that its counts do
				fmt.Fprintf(&b, "      - {name: s%d, url: %q, capacity: %d, slots: %d, tier: %d}\n", i, s.URL, 1+d.roll(200), d.roll(4), d.roll(8)/7)
			}
		}
	}
	return b.String()
}

// stormWish is a request drawn by the dice.
func stormWish(d *dice) string {
	path := d.of("/chat", "/chat", "/code", "/spare", "/away") + d.of("/v1/chat/completions", "/v1/chat/completions", "/orders")
	head := " " + path + " HTTP/1.1\r\nHost: x\r\n" + d.of("Connection: close\r\n", "Connection: close\r\n", "Connection: close\r\n", "")
	chat := fmt.Sprintf(`{"model":"m%d","stream":%s,"max_tokens":%d,"messages":[{"role":"user","content":"%s"}]}`,
		d.roll(2), d.of("true", "true", "false"), 20+d.roll(50), strings.Repeat("hello ", 1+d.roll(1000)))
	switch d.roll(8) {
	case 0:
		return "GET" + head + "\r\n"
	case 1: // too large to be held
		return "POST" + head + fmt.Sprintf("Content-Length: %d\r\n\r\n", 300<<10) + strings.Repeat("x", 300<<10)
	case 2:
		return "POST" + head + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(chat), chat)
	}
	return "POST" + head + fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(chat)) + chat
}

// call sends one wish, whole or not, and leaves at any moment, in any way.
func call(address string, d *dice) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer func() { _ = c.Close() }()
	wish := stormWish(d)
	if d.roll(8) == 0 {
		wish = wish[:d.roll(len(wish))]
	}
	_ = c.SetDeadline(time.Now().Add(time.Duration(100+d.roll(300)) * time.Millisecond))
	if _, err := io.WriteString(c, wish); err != nil {
		return
	}
	switch d.roll(10) {
	case 0: // gone at once
		return
	case 1:
		_ = c.(*net.TCPConn).SetLinger(0)
		return
	case 2:
		_ = c.(*net.TCPConn).CloseWrite()
	case 3, 4: // gone in the midst of it
		_ = c.SetReadDeadline(time.Now().Add(time.Duration(d.roll(30)) * time.Millisecond))
		_, _ = io.CopyN(io.Discard, c, int64(d.roll(4000)))
		return
	}
	_, _ = io.Copy(io.Discard, c)
}
