// What is offered, and to which engines.

package live

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/trace"
	"github.com/steelyard-proxy/steelyard/configs"
)

// Case is work on engines at a load.
type Case struct {
	Name    string
	Work    trace.Workload // as it is made
	File    string         // as it is published, in the folder that Options name; "": it is not
	Engines []string       // kinds
	Load    float64        // of what the engines finish when none is ever idle; 0: Rate says it
	Rate    float64        // requests per second
	Goals   []Goal
}

// Goal is the most that a figure of the rule may be of the better peer's.
type Goal struct {
	Figure Figure
	Most   float64
}

var (
	equal   = []string{"a100", "a100", "a100", "a100"}
	unequal = []string{"h100", "a100", "a40", "a40"}
)

// Cases are what is offered.
var Cases = []Case{
	{Name: "conv E4 .7", Work: trace.Workload{Name: "conversations", Requests: 1500}, File: "mooncake-conversation.jsonl.gz", Engines: equal, Load: 0.7,
		Goals: []Goal{{R, 0.82}, {TTFT, 0.66}}},
	{Name: "conv L4 .85", Work: trace.Workload{Name: "conversations", Requests: 1500}, File: "mooncake-conversation.jsonl.gz", Engines: unequal, Load: 0.85,
		Goals: []Goal{{R, 0.80}, {TTFT, 0.72}}},
	{Name: "chat busy E4", Work: trace.Workload{Name: "chat", From: 8000, Requests: 3000}, File: "azure-2023-conv.csv.gz", Engines: equal, Rate: 30,
		Goals: []Goal{{R, 0.82}, {TTFT, 1.2}, {TTFT99, 2}}},
	{Name: "agent L4 .7", Work: trace.Workload{Name: "agent", Requests: 1500}, Engines: unequal, Load: 0.7,
		Goals: []Goal{{R, 0.5}}},
	{Name: "chat calm E4", Work: trace.Workload{Name: "chat", Requests: 2500}, File: "azure-2023-conv.csv.gz", Engines: equal, Load: 0.7,
		Goals: []Goal{{R, 1.02}}},
}

// Names are those of the cases.
func Names() (names []string) {
	for _, c := range Cases {
		names = append(names, c.Name)
	}
	return names
}

// find is the case of a name.
func find(name string) (Case, error) {
	if i := slices.IndexFunc(Cases, func(c Case) bool { return c.Name == name }); i >= 0 {
		return Cases[i], nil
	}
	return Case{}, fmt.Errorf("there is no case %q: %s", name, configs.Suggest(name, Names()))
}

// offer is the work of a case, made or read, at its rate.
type offer struct {
	Case
	trace      trace.Trace
	from       string    // what it was made of, in words
	capacities []float64 // of each engine, in requests of this work per second
	speed      float64   // of the engines' time, over the clock's
}

func (c Case) offer(o Options) (offer, error) {
	w, from := c.Work, "made"
	if o.Requests > 0 {
		w.Requests = min(o.Requests, w.Requests)
	}
	if o.Folder != "" && c.File != "" {
		w.File, from = filepath.Join(o.Folder, c.File), c.File
	}
	t, err := w.Trace(o.Seed)
	if err != nil {
		return offer{}, fmt.Errorf("case %s: %w", c.Name, err)
	}
	of, sum := offer{Case: c, from: from}, 0.0
	finishes, all := map[string]float64{}, jobs(t)
	for _, kind := range c.Engines {
		if finishes[kind] == 0 {
			finishes[kind] = engine.Finishes(engine.Options{Kind: kind}, all)
		}
		of.capacities = append(of.capacities, finishes[kind])
		sum += finishes[kind]
	}
	rate := c.Rate
	if rate == 0 {
		rate = c.Load * sum
	}
	of.trace = t.Stretch(rate)
	of.speed = o.Speed
	if of.speed == 0 {
		of.speed = of.fastest(o.Cores)
	}
	return of, nil
}

// What a core carries all the way from the client through a proxy to the engine and back, at half its time, so that it is
// not what is measured: tokens, each an event of a stream, and bytes of prompts, per second. No faster than mostSpeed, or
// an engine's iteration takes less than half a millisecond of the clock.
const (
	tokensPerCore = 8000.0
	bytesPerCore  = 12e6
	mostSpeed     = 18.0
)

// fastest is the speed that the machine keeps up with.
func (f offer) fastest(cores int) float64 {
	prompt, answer := f.trace.Lengths()
	rate := f.trace.Rate()
	load := rate*answer/tokensPerCore + rate*prompt*4/bytesPerCore // cores, at the engines' own speed
	return max(math.Floor(10*min(float64(cores)/load, mostSpeed))/10, 1)
}

// lasts is how long a run of it takes, without those that are in flight at its end.
func (f offer) lasts() float64 { return f.trace.Duration().Seconds() / f.speed }

// jobs are the requests of a trace as engines are asked them.
func jobs(t trace.Trace) (list []engine.Job) {
	for _, r := range t.Requests {
		list = append(list, engine.Job{PromptTokens: r.PromptTokens, Tokens: r.AnswerTokens, Prefix: r.Prefix})
	}
	return list
}
