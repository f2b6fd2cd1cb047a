package proxy_test

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

const get = "GET / HTTP/1.1\r\nHost: x.test\r\n\r\n"

// getPath is a request whose line in the access log can be told from others.
func getPath(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: x.test\r\n\r\n" }

func post(body string) string {
	return fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: x.test\r\nUser-Agent: bench\r\nContent-Type: application/json\r\n"+
		"Authorization: Bearer sk-0123456789\r\nAccept: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// order is a request that is not to be done twice.
func order(body string) string {
	return strings.Replace(post(body), "/v1/chat/completions", "/orders", 1)
}

// plain is a whole answer with this body.
func plain(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// ending is how one exchange ended, as the access log has it.
type ending struct {
	path, endpoint, failure string
	status                  int
}

// endings waits until n exchanges have ended and says how each did.
func (g *gateway) endings(t testing.TB, n int) []ending {
	t.Helper()
	eventually(t, fmt.Sprintf("%d exchanges to end", n), func() bool { return g.accessed.Len() >= n })
	var all []ending
	for _, line := range g.accessed.All() {
		f := line.ContextMap()
		all = append(all, ending{
			path: f["path"].(string), endpoint: f["endpoint"].(string), failure: f["failure"].(string), status: int(f["status"].(int64)),
		})
	}
	require.Len(t, all, n)
	return all
}

// ending waits until the only exchange has ended.
func (g *gateway) ending(t testing.TB) ending {
	t.Helper()
	return g.endings(t, 1)[0]
}

// count adds up the samples of a metric that have all these labels, given as
// name, value, name, value …
func (g *gateway) count(t testing.TB, metric string, labels ...string) int {
	t.Helper()
	page, err := io.ReadAll(g.registry.Page())
	require.NoError(t, err)
	sum := 0.0
	for line := range strings.Lines(string(page)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, set, _ := strings.Cut(name, "{")
		if name != metric {
			continue
		}
		has := true
		for i := 0; i < len(labels); i += 2 {
			has = has && strings.Contains(set, fmt.Sprintf(`%s=%q`, labels[i], labels[i+1]))
		}
		if has {
			v, err := strconv.ParseFloat(value, 64)
			require.NoError(t, err)
			sum += v
		}
	}
	return int(sum)
}

// blamed is how many attempts the balancer holds against the endpoints.
func (g *gateway) blamed() (n uint64) {
	for _, l := range g.allLoads() {
		for _, class := range []balancer.OutcomeClass{balancer.ConnectFailed, balancer.Failed, balancer.TimedOut, balancer.Truncated, balancer.Unknown} {
			n += l.Finished(class)
		}
	}
	return n
}

// finished is how many attempts ended this way.
func (g *gateway) finished(class balancer.OutcomeClass) (n uint64) {
	for _, l := range g.allLoads() {
		n += l.Finished(class)
	}
	return n
}

// chunk is one chunk of a chunked body.
func chunk(data string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(data), data) }
