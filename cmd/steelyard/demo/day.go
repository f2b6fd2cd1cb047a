// A day of load, and the gateway that starts and stops its servers through it.

package demo

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/trace"
	"github.com/steelyard-proxy/steelyard/metrics"
)

// The servers of the day. Each takes a unit of work in 8/30 s, so that four or five are needed at noon.
const (
	mostServers   = 6
	dayCapacity   = 30.0 // requests per second
	daySlots      = 8
	nightRate     = 4.0 // requests per second
	noonRate      = 100.0
	sunrise       = 5.0 // hours
	sunset        = 21.0
	leastDay      = 10 * time.Second
	firstDayPort  = 20000 // below the range from which the kernel takes outgoing ports
	dayPorts      = 12000
	portsOfServer = 50
)

// aDay is a day that passes faster than others.
type aDay struct{ length time.Duration }

// hour is the time of day, from 0 to 24, so long after the start, which is at 4 in the morning.
func (d aDay) hour(elapsed time.Duration) float64 {
	const start = 4
	return math.Mod(start+24*elapsed.Seconds()/d.length.Seconds(), 24)
}

// rate is the load, in requests per second.
func (d aDay) rate(elapsed time.Duration) float64 {
	hour := d.hour(elapsed)
	if hour <= sunrise || hour >= sunset {
		return nightRate
	}
	return nightRate + (noonRate-nightRate)*math.Pow(math.Sin(math.Pi*(hour-sunrise)/(sunset-sunrise)), 1.5)
}

// arrivals are an endless Poisson process whose rate is that of the day: of one at the rate of noon some are left out.
func (d aDay) arrivals() iter.Seq[trace.Request] {
	return func(yield func(trace.Request) bool) {
		draws := rand.New(rand.NewPCG(1, 0))
		for at := 0.0; ; {
			at += draws.ExpFloat64() / noonRate
			if draws.Float64()*noonRate < d.rate(time.Duration(at*float64(time.Second))) && !yield(request(at, draws)) {
				return
			}
		}
	}
}

// configuration is the file a user would write, with times as short as the day is.
func (d aDay) configuration(s settings) (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program, which is to be started as a server: %w", err)
	}
	load := d.length / 60
	words := []string{
		program, "demo", serverName, "--name", "{name}", "--address", "127.0.0.1:{port}", "--load", load.String(),
		"--capacity", strconv.FormatFloat(dayCapacity, 'g', -1, 64), "--slots", strconv.Itoa(daySlots),
	}
	for i := range words {
		words[i] = strconv.Quote(words[i])
	}
	first := freePort()
	return fmt.Sprintf(`listen: [{address: %q}]
admin: {address: %q}
timeouts: {shutdown: 3s}
upstreams:
  - name: %s
    health: {path: /health, interval: 500ms, timeout: 500ms, healthy_threshold: 1, unhealthy_threshold: 2}
    slow_start: 1s
    scale:
      min: 1
      max: %d
      capacity: %g
      slots: %d
      interval: 1s
      scale_in_after: %s
      dry_run: false
      actuator:
        kind: process
        command: [%s]
        ports: %d-%d
        stop_timeout: 5s
`, s.listen, s.admin, upstreamName, mostServers, dayCapacity, daySlots, max(d.length/30, time.Second), strings.Join(words, ", "), first, first+portsOfServer-1), nil
}

// freePort is the first of a range of ports, and free itself. Others of the range that are not are passed over.
func freePort() int {
	for {
		port := firstDayPort + rand.IntN(dayPorts-portsOfServer)
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			_ = l.Close()
			return port
		}
	}
}

// note is the time of day, the load and the number of servers.
func (d aDay) note(elapsed time.Duration, registry *metrics.Registry) string {
	hour := d.hour(elapsed)
	said := readScale(registry)
	return fmt.Sprintf("It is %02d:%02d, %.0f requests/s come; servers: %g wanted, %g run, %g of them start, %g drain",
		int(hour), int(60*math.Mod(hour, 1)), d.rate(elapsed), said.wanted, said.current, said.starting, said.draining)
}
