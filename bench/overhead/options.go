// The flags of the command.

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/bare"
	"github.com/steelyard-proxy/steelyard/bench/peers"
)

// Options say what to measure. The defaults are the contract of the project's speed goals.
type Options struct {
	Rounds   int
	Duration time.Duration // of one measurement; a warm-up comes before it
	Only     string        // one of the parts, or "" for all by default
	Proxies  []string

	Rate        int           // requests per second of the open loop
	Connections int           // keep-alive connections of both unary parts
	Streams     int           // streams under way at once
	Gap         time.Duration // between two chunks of one stream
	Silent      int           // streams open while memory is read
	Idle        int           // idle connections open while memory is read

	Steelyard  string // its program; "" = build it
	Before     string // an older program of steelyard's, a contender of its own; "" = none
	JSON       string
	ProfileOut string
	Syscalls   bool
	Halt       bool // let idle cores sleep
}

// parts by default; steelyard against itself is measured only when it is asked for.
var (
	byDefault = []string{"unary", "stream", "memory"}
	parts     = append(slices.Clone(byDefault), policies)
)

const policies = "policies"

// before is an older steelyard among the contenders.
const before = "before"

// proxies are the contenders by default, in the order in which they take turns; known has the bare one as well.
var (
	proxies = append(slices.Clone(peers.Installable), peers.Steelyard)
	known   = append(slices.Clone(proxies), bare.Name)
)

func parse(args []string, out io.Writer) (Options, error) {
	var o Options
	var names string
	flags := flag.NewFlagSet("overhead", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.IntVar(&o.Rounds, "rounds", 9, "rounds of each measurement")
	flags.DurationVar(&o.Duration, "duration", 1500*time.Millisecond, "length of each measurement")
	flags.StringVar(&o.Only, "only", "", "measure one `part`: unary, stream, memory, or policies (steelyard under each of them)")
	flags.StringVar(&names, "proxies", strings.Join(proxies, ","), "proxies to compare, in order of their turns, among them "+bare.Name+" (a plain proxy of fasthttp); with -only policies it is steelyard alone")
	flags.IntVar(&o.Rate, "rate", 5000, "requests per second of the open loop")
	flags.IntVar(&o.Connections, "connections", 64, "keep-alive connections of the unary part")
	flags.IntVar(&o.Streams, "streams", 200, "streams under way at once")
	flags.DurationVar(&o.Gap, "gap", 20*time.Millisecond, "time between two chunks of a stream")
	flags.IntVar(&o.Silent, "silent", 2000, "open streams while memory is read")
	flags.IntVar(&o.Idle, "idle", 10000, "idle connections while memory is read")
	flags.StringVar(&o.Steelyard, "steelyard", "", "`path` of the steelyard program (default: build it from this tree)")
	flags.StringVar(&o.Before, "before", "", "`path` of an older steelyard program, measured in turn with the others as \"before\"")
	flags.StringVar(&o.JSON, "json", "", "write every sample to this `file`")
	flags.StringVar(&o.ProfileOut, "profile-out", "", "write perf profiles of steelyard to `file`.unary, file.stream, or file.policies.NAME")
	flags.BoolVar(&o.Syscalls, "syscalls", false, "count system calls per request and per chunk (perf stat, by root)")
	flags.BoolVar(&o.Halt, "halt", false, "let idle cores halt instead of poll (see alarm.KeepAwake)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.Proxies = strings.Split(names, ",")
	if o.Only == policies {
		o.Proxies = []string{peers.Steelyard}
	}
	if o.Before != "" && o.Only != policies {
		o.Proxies = append(o.Proxies, before)
	}
	if err := o.check(flags.Args()); err != nil {
		fmt.Fprintln(out, "overhead:", err)
		return o, err
	}
	return o, nil
}

func (o Options) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q: every option starts with a dash", rest[0])
	case o.Only != "" && !slices.Contains(parts, o.Only):
		return fmt.Errorf("-only %s: choose among %s", o.Only, strings.Join(parts, ", "))
	case slices.ContainsFunc(o.Proxies, func(name string) bool { return name != before && !slices.Contains(known, name) }):
		return fmt.Errorf("-proxies %s: choose among %s", strings.Join(o.Proxies, ","), strings.Join(known, ", "))
	case min(o.Rounds, o.Rate, o.Connections, o.Streams, o.Silent, o.Idle) < 1:
		return errors.New("-rounds, -rate, -connections, -streams, -silent and -idle must be at least 1")
	case o.Rounds > 100 || o.Duration < 100*time.Millisecond || o.Duration > time.Minute:
		return errors.New("-rounds goes to 100, -duration from 100ms to 1m")
	case o.Gap < time.Millisecond:
		return errors.New("-gap must be at least 1ms")
	case o.Idle > 20000 || o.Silent > 10000:
		return errors.New("-idle goes to 20000, -silent to 10000: beyond that loopback ports run out")
	}
	return nil
}

func (o Options) wants(part string) bool {
	return o.Only == part || o.Only == "" && slices.Contains(byDefault, part)
}

// chunkEvery is the interval between two chunks of all streams together.
func (o Options) chunkEvery() time.Duration { return max(1, o.Gap/time.Duration(o.Streams)) }

// limit is far beyond what a run needs, so that only one that hangs meets it.
func (o Options) limit() time.Duration {
	measurements := o.Rounds * 3 * (len(o.Proxies) + 1)
	if o.Only == policies {
		measurements = o.Rounds * len(allPolicies)
	}
	return 3*time.Minute + time.Duration(measurements)*(o.Duration+warmUp+time.Second)
}

// warmUp comes before each measurement, on its connections.
const warmUp = 300 * time.Millisecond
