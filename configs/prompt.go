// What least_cost is told of prompts: caches and sessions.

package configs

import (
	"math"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// leastCost is the policy that goes by prompts.
const leastCost = "least_cost"

// PrefixCache is for how many tokens of prompts an engine's cache has room, 0 for none, or "auto".
type PrefixCache struct {
	Tokens int  // with Auto: 0
	Auto   bool // as the engine says, if it is asked, else a usual size
}

func readPrefixCache(tag, text string) (any, bool) {
	if text == auto {
		return PrefixCache{Auto: true}, true
	}
	number, ok := readInt(tag, text)
	return PrefixCache{Tokens: number.(int)}, ok
}

func printPrefixCache(value any) *yaml.Node { return scalar("", value.(PrefixCache).String()) }

// String prints the size as it stands in a file.
func (c PrefixCache) String() string {
	if c.Auto {
		return auto
	}
	return strconv.Itoa(c.Tokens)
}

// Affinity says where requests say to which session they belong.
type Affinity struct {
	Header string `yaml:"header,omitempty"` // a field of the head; "": none
	Body   string `yaml:"body"`             // a field of the body: one of SessionFields, or "off"
}

// SessionFields are the words that affinity.body may have besides off.
var SessionFields = []string{"user", "session_id", "prompt_cache_key", "safety_identifier", "metadata.user_id"}

func (r *report) validateAffinity(p path, a *Affinity) {
	r.oneOf(p.key("body"), a.Body, append([]string{offWord}, SessionFields...)...)
	for _, c := range a.Header {
		if c <= ' ' || c > '~' || c == ':' {
			r.add(p.key("header"), "give the name of a field, such as X-Session-Id", "is no name of a field: %s", quote(a.Header))
			return
		}
	}
}

func (r *report) validatePrefixCache(p path, c PrefixCache) {
	between(r, p, c.Tokens, 0, math.MaxInt32, "give for how many tokens the engine's KV cache has room, as it says at its start, or auto")
}

// reviewPrompts notes what only least_cost asks for.
func (r *report) reviewPrompts(p path, u *Upstream) {
	if u.Policy == leastCost {
		return
	}
	const why = "has no effect with policy %s: only least_cost asks for it"
	if u.Affinity != upstreamDefaults().Affinity {
		r.note(p.key("affinity"), "choose that policy, or remove it", why, u.Policy)
	}
	for i, e := range u.Endpoints {
		if !e.PrefixCache.Auto {
			r.note(p.key("endpoints").item(i).key("prefix_cache"), "choose that policy, or remove it", why, u.Policy)
			return
		}
	}
}
