package demo

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/configs"
)

// serveIfStarted makes a server of this program where the gateway of a test starts it as one.
func serveIfStarted() {
	if len(os.Args) < 3 || os.Args[1] != "demo" || os.Args[2] != serverName {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	command := Command()
	command.SetArgs(os.Args[2:])
	if command.ExecuteContext(ctx) != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

func TestTheLoadOfADay(t *testing.T) {
	d := aDay{length: 5 * time.Minute}
	at := func(hour float64) time.Duration { return time.Duration((hour - 4) / 24 * float64(d.length)) }
	require.InDelta(t, nightRate, d.rate(0), 1e-9)
	require.InDelta(t, noonRate, d.rate(at(13)), 1e-9)
	require.InDelta(t, nightRate, d.rate(at(22)), 1e-9)
	require.InDelta(t, d.rate(at(9)), d.rate(at(17)), 1e-6)
	require.InDelta(t, d.rate(at(13)), d.rate(at(13+24)), 1e-6, "the next day is like it")
	require.InDelta(t, 1.0, d.hour(at(25)), 1e-6)

	counts := map[int]int{}
	for r := range d.arrivals() {
		if r.At > d.length {
			break
		}
		counts[int(d.hour(r.At))]++
	}
	hour := d.length.Seconds() / 24
	require.InEpsilon(t, noonRate*hour, counts[12], 0.1)
	require.InDelta(t, nightRate*hour, counts[23], 25)
}

func TestTheDaysConfigurationIsWhatAUserWouldWrite(t *testing.T) {
	text, err := aDay{length: 5 * time.Minute}.configuration(settings{listen: "127.0.0.1:0", admin: "127.0.0.1:0"})
	require.NoError(t, err)
	c, err := configs.Parse("demo", []byte(text), nil)
	require.NoError(t, err, text)
	scale := c.Upstreams[0].Scale
	require.Equal(t, mostServers, scale.Max)
	require.False(t, scale.DryRun)
	require.Equal(t, 10*time.Second, scale.ScaleInAfter)
	require.Contains(t, strings.Join(scale.Actuator.Command, " "), " demo server --name {name} --address 127.0.0.1:{port} --load 5s ")
}

// TestTheGatewayStartsItsServers, shows them, and ends them.
func TestTheGatewayStartsItsServers(t *testing.T) {
	out, errOut, stop := startDemo(t, "--elastic", "--day", "1m")
	gateway := find(t, out, `gateway  (\S+)`)
	find(t, out, `chat-0 .* up \| (It is \d\d:\d\d, \d+ requests/s come; servers: \d wanted, \d run)`)
	status, answer := post(t, gateway+"/v1/chat/completions", `{"model":"steelyard-demo","messages":[],"max_tokens":2}`)
	require.Equal(t, 200, status, answer)
	require.NoError(t, stop())
	require.Contains(t, errOut.String(), "a server was ended")
	require.Regexp(t, `The load's client saw: \d+ answered, .* failed 0`, out.String())
}

func TestFlagsOfADay(t *testing.T) {
	for args, want := range map[string]string{
		"--day 1m":           "--day has no meaning without --elastic",
		"--elastic --day 1s": "--day 1s: give at least 10s",
		"--elastic --week":   "--elastic has no meaning with --week",
	} {
		command := Command()
		command.SetArgs(strings.Fields(args))
		command.SetOut(&transcript{})
		command.SetErr(&transcript{})
		require.ErrorContains(t, command.ExecuteContext(t.Context()), want)
	}
}
