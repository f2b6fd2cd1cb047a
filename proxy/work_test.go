package proxy_test

import (
	"context"
	"encoding/csv"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/estimate"
	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/proxy/requestlog"
)

// teaching is a gateway whose requests are learned from, and end, which returns the rows that
// its request log has in the end, of that many requests.
func teaching(t *testing.T, s *settings) (end func(g *gateway, requests int) []map[string]string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "requests.csv")
	log, err := requestlog.Open(requestlog.Options{Path: path})
	require.NoError(t, err)
	s.upstream.WantsWork, s.measured = true, true
	s.requests = log
	return func(g *gateway, requests int) []map[string]string {
		eventually(t, "all to have ended", func() bool { return g.accessed.Len() == requests })
		ctx, stop := context.WithCancel(t.Context())
		stop()
		require.NoError(t, log.Run(ctx))
		return requestRows(t, path)
	}
}

// requestRows are the rows of a request log, by column.
func requestRows(t *testing.T, path string) (rows []map[string]string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	lines, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	require.NoError(t, err)
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, name := range lines[0] {
			row[name] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func seconds(t *testing.T, cell string) time.Duration {
	t.Helper()
	value, err := strconv.ParseFloat(cell, 64)
	require.NoError(t, err)
	return time.Duration(value * float64(time.Second))
}

// REQUESTLOG.md has all that its column class may say.
func TestClassesAreAsDocumented(t *testing.T) {
	page, err := os.ReadFile("REQUESTLOG.md")
	require.NoError(t, err)
	for class := balancer.Unknown; class <= balancer.Refused; class++ {
		require.Contains(t, string(page), "`"+class.String()+"`")
	}
}

// A client that takes its time makes an endpoint no slower.
func TestSlowClientIsNoWork(t *testing.T) {
	const dawdled = 10 * soon
	p := newPuppet(t)
	s := defaults()
	end := teaching(t, &s)
	g := serve(t, s, p.address)
	c, up := askedSlowly(t, g, p, 64<<10)
	up.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
	_, _, rest := pour(t, up, 4*between) // until the client takes no more
	passes(dawdled)
	go func() { _ = rest(); up.close() }()
	c.head()
	_, err := io.Copy(io.Discard, unchunk(c))
	require.NoError(t, err)
	rows := end(g, 1)
	require.Len(t, rows, 1)
	arrived, err := time.Parse(time.RFC3339Nano, rows[0]["time"])
	require.NoError(t, err)
	require.Less(t, seconds(t, rows[0]["service_s"]), time.Since(arrived)-dawdled)
}

// How long a tunnel stands says nothing of the endpoint.
func TestTunnelTeachesNothing(t *testing.T) {
	p := newPuppet(t)
	s := defaults()
	s.upstream.Predictor = predict.New(predict.Options{})
	end := teaching(t, &s)
	g := serve(t, s, p.address)
	c, up := tunnelled(t, g, p)
	up.close()
	c.ends()
	c.close()
	other := dial(t, g)
	other.send(get)
	asked(t, p).send(plain("ok"))
	other.answer()
	rows := end(g, 2)
	require.Len(t, rows, 1)
	require.Equal(t, "200", rows[0]["status"])
}

// A connection that died idle, and a fresh one that cannot be had: what the first attempt took
// is not taken for the second's service.
func TestServiceIsOfTheLastAttempt(t *testing.T) {
	ln, err := net.Listen("tcp", refusing(t))
	require.NoError(t, err)
	defer ln.Close()
	s := defaults()
	end := teaching(t, &s)
	g := serve(t, s, ln.Addr().String())
	client := dial(t, g)
	client.send(get)
	require.NoError(t, ln.(*net.TCPListener).SetDeadline(time.Now().Add(within)))
	accepted, err := ln.Accept()
	require.NoError(t, err)
	up := newPeer(t, accepted)
	up.request()
	up.send(plain("1"))
	client.answer()
	client.send(get)
	up.request()
	require.NoError(t, ln.Close())
	up.reset()
	r, _ := client.answer()
	require.Equal(t, http.StatusBadGateway, r.StatusCode)
	rows := end(g, 2)
	require.Len(t, rows, 2)
	require.Positive(t, seconds(t, rows[0]["service_s"]))
	require.Equal(t, "connect_failed", rows[1]["class"])
	require.Zero(t, seconds(t, rows[1]["service_s"]))
	require.Zero(t, seconds(t, rows[1]["first_byte_s"]))
}

// Requests are measured by their size, which has no unit: also where something was learned
// between their beginning and their end.
func TestRequestsAreMeasuredWhateverIsLearned(t *testing.T) {
	for name, learned := range map[string]bool{"nothing learned": false, "learned meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			p := newPuppet(t)
			predictor := predict.New(predict.Options{})
			s := defaults()
			s.upstream.Predictor = predictor
			end := teaching(t, &s)
			g := serve(t, s, p.address)
			var clients, servers []*peer
			for range 40 { // enough to be measured
				c := dial(t, g)
				c.send(chat(100))
				clients, servers = append(clients, c), append(servers, asked(t, p))
			}
			if learned {
				predictor.Finished(predict.Row{Features: predict.Features{MaxTokens: 500}, Work: 1.5, Class: "answered", Status: 200})
				ctx, stop := context.WithCancel(t.Context())
				stop()
				require.NoError(t, predictor.Run(ctx))
			}
			for i, up := range servers {
				up.send(plain("1"))
				clients[i].answer()
			}
			require.Len(t, end(g, 40), 40)
			upstream := estimate.New([]estimate.Options{{Capacity: 1, Slots: 1, Meter: &g.targets[0].Meter}})
			upstream.Tick(time.Second)
			require.Positive(t, upstream.Scale())
		})
	}
}
