// The traces, published or like them.

package real

import (
	"fmt"
	"path/filepath"

	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// kind is one kind of requests.
type kind struct {
	name     string
	workload string // the generator's
	file     string // as it is published; empty: it never was
	poisson  bool   // at times of its own
	requests int    // where so many are needed; 0: as many as of all
	folder   string // where the file is; empty: it is generated
}

var (
	conversations = kind{name: "conv", workload: "conversations", file: "mooncake-conversation.jsonl.gz"}
	documents     = kind{name: "docs", workload: "documents", file: "mooncake-synthetic.jsonl.gz"}
	chat          = kind{name: "chat", workload: "chat", file: "azure-2023-conv.csv.gz"}
	code          = kind{name: "code", workload: "code", file: "azure-2023-code.csv.gz"}
	codePoisson   = kind{name: "code, Poisson", workload: "code", file: "azure-2023-code.csv.gz", poisson: true}
	agent         = kind{name: "agent", workload: "agent", requests: 4000} // sessions last for minutes
	tool          = kind{name: "tool", workload: "tool"}
)

// setting is one kind of requests on one fleet.
type setting struct {
	kind  kind
	fleet fleet
}

func (s setting) name() string { return s.kind.name + " " + s.fleet.name }

// settings are all that there are.
var settings = []setting{
	{conversations, unequal}, {conversations, twice}, {conversations, equal}, {documents, unequal},
	{agent, unequal}, {agent, equal}, {tool, unequal}, {tool, equal},
	{chat, scraped}, {chat, equal}, {codePoisson, scraped}, {code, scraped},
}

// stands says what keeps figures from being judged: goals of a published trace are of that one alone.
func (k kind) stands() string {
	if k.file == "" || k.folder != "" {
		return ""
	}
	return fmt.Sprintf("this is of %s, give it by --traces; the requests here are generated", k.file)
}

// trace is that of one seed, at its own rate.
func (k kind) trace(seed uint64, requests int) (trace.Trace, error) {
	w := trace.Workload{Name: k.workload, Requests: requests, Poisson: k.poisson}
	if k.folder != "" {
		w.File = filepath.Join(k.folder, k.file)
	}
	return w.Trace(seed)
}

// check says whether the file is there that the trace is of.
func (k kind) check() error {
	if k.folder == "" {
		return nil
	}
	_, err := k.trace(1, 0)
	return err
}
