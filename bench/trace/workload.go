// Real inference work by name: a file that was published, or what is made to be like it.

package trace

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/steelyard-proxy/steelyard/configs"
)

// Workload is real inference work: what a file has, or what is made with the statistics of one.
type Workload struct {
	Name     string // of what is made, one of Workloads; or what a file is called, which may be left out
	File     string // as Read takes it; "": it is made
	Requests int    // the first so many; 0: all of a file, as many as were published of what is made
	From     int    // the first so many of those are left out
	Poisson  bool   // requests come independently of each other, at the same rate, in place of how they came
}

// maker makes work with the statistics of a published trace.
type maker struct {
	name, about string
	requests    int     // that were published
	rate        float64 // per second
	make        func(m maker, requests int, chance *rand.Rand) []Request
}

// makers are sorted by what they stand for: published traces, then made ones.
var makers = []maker{
	{"conversations", "chats with long prompts, as Mooncake's conversation trace", 12_031, 3.40, makeConversations},
	{"documents", "questions about documents, and short chats, as Mooncake's synthetic trace", 3_993, 3.91, makeDocuments},
	{"chat", "short prompts with a busy hour, as Azure's conversation trace of 2023", 19_366, 5.53, makeChat},
	{"code", "completions of code in bursts, as Azure's code trace of 2023", 8_819, 2.57, makeCode},
	{"agent", "sessions of agents over one long prompt, that come back within seconds", 12_000, 2, makeAgent},
	{"tool", "conversations, and calls with two prompts that many share", 23_608, 6.56, makeTool},
}

// Workloads are the names of what can be made.
func Workloads() (names []string) {
	for _, m := range makers {
		names = append(names, m.name)
	}
	return names
}

// About is what is made under a name, in a few words; "" for a name that is none.
func About(name string) string {
	if i := slices.IndexFunc(makers, func(m maker) bool { return m.name == name }); i >= 0 {
		return makers[i].about
	}
	return ""
}

// Trace reads or makes the work. Chance comes from the seed alone, and equal workloads with equal seeds are equal.
func (w Workload) Trace(seed uint64) (t Trace, err error) {
	switch {
	case w.Requests < 0 || w.From < 0:
		return t, fmt.Errorf("workload %s: requests %d from %d on: give numbers of 0 or more", w.Name, w.Requests, w.From)
	case w.File != "":
		t, err = w.read(seed)
	default:
		t, err = w.made(seed)
	}
	if err != nil {
		return t, err
	}
	if w.Requests > 0 {
		t = t.Cut(0, w.From+w.Requests)
	}
	if w.From >= len(t.Requests) {
		return t, fmt.Errorf("workload %s has %d requests: there are none from the %dth on", t.Name, len(t.Requests), w.From+1)
	}
	if w.From > 0 {
		t = t.Cut(w.From, len(t.Requests))
	}
	if w.Poisson {
		t = t.Poisson(seed)
	}
	return t, nil
}

func (w Workload) read(seed uint64) (Trace, error) {
	requests := w.Requests
	if requests > 0 {
		requests += w.From
	}
	t, err := read(w.File, seed, requests)
	switch {
	case err != nil:
		return t, err
	case !t.Tokens():
		return t, fmt.Errorf("read trace: %s says nothing of prompts and answers: give a trace as Mooncake, Azure or ServeGen publish them", w.File)
	case w.Name != "":
		t.Name = w.Name
	}
	return t, nil
}

func (w Workload) made(seed uint64) (Trace, error) {
	i := slices.IndexFunc(makers, func(m maker) bool { return m.name == w.Name })
	if i < 0 {
		return Trace{}, fmt.Errorf("there is no workload %q: %s", w.Name, configs.Suggest(w.Name, Workloads()))
	}
	m := makers[i]
	requests := m.requests
	if w.Requests > 0 {
		requests = max(w.From+w.Requests, 1)
	}
	t := Trace{Name: m.name, Requests: m.make(m, requests, rand.New(rand.NewPCG(seed, madeStream)))}
	weigh(t.Requests)
	return t, nil
}
