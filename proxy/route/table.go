// The table of routes, searched by host and path.

package route

import (
	"bytes"
	"slices"
	"strings"
)

// Rule is one route. Host is a name without port, or empty for all.
type Rule struct{ Path, Host string }

// Table finds the rule of a request.
type Table struct {
	anyHost []entry
	byHost  map[string][]entry // lower-case host
}

type entry struct {
	path   string // without a trailing slash
	exact  string // the rule's own path
	number int
}

// NewTable makes a table; Match answers with indexes into rules.
func NewTable(rules []Rule) *Table {
	t := &Table{byHost: map[string][]entry{}}
	for i, r := range rules {
		e := entry{path: strings.TrimSuffix(r.Path, "/"), exact: r.Path, number: i}
		if r.Host == "" {
			t.anyHost = append(t.anyHost, e)
			continue
		}
		host := strings.TrimSuffix(strings.ToLower(r.Host), ".")
		t.byHost[host] = append(t.byHost[host], e)
	}
	longestFirst(t.anyHost)
	for _, entries := range t.byHost {
		longestFirst(entries)
	}
	return t
}

func longestFirst(entries []entry) {
	slices.SortStableFunc(entries, func(a, b entry) int { return len(b.exact) - len(a.exact) })
}

// Match returns the number of the rule for a request, or -1. host is the Host
// field, port and all; path is undecoded, or "*".
func (t *Table) Match(host, path []byte) int {
	if len(t.byHost) > 0 {
		var name [hostBytes]byte
		if n := match(t.byHost[string(hostname(name[:], host))], path); n >= 0 {
			return n
		}
	}
	return match(t.anyHost, path)
}

func match(entries []entry, path []byte) int {
	for i := range entries {
		if e := &entries[i]; e.matches(path) {
			return e.number
		}
	}
	return -1
}

func (e *entry) matches(path []byte) bool {
	if e.path == "" {
		return true
	}
	n := len(e.exact) // "/v1/" matches only what continues it
	if n == len(e.path) && len(path) == n {
		return string(path) == e.exact
	}
	return len(path) > len(e.path) && path[len(e.path)] == '/' && string(path[:len(e.path)]) == e.path
}

var rootDot = []byte(".")

// hostBytes is the longest host that is looked up without an allocation.
const hostBytes = 256

// hostname is the host in lower case, without its port and a final dot, which changes nothing.
// It overwrites name.
func hostname(name, host []byte) []byte {
	if end := bytes.IndexByte(host, ']'); end > 0 && host[0] == '[' {
		host = host[1:end]
	} else if colon := bytes.IndexByte(host, ':'); colon == bytes.LastIndexByte(host, ':') && colon >= 0 {
		host = host[:colon]
	}
	host = bytes.TrimSuffix(host, rootDot)
	name = append(name[:0], host...)
	for i, b := range name {
		if 'A' <= b && b <= 'Z' {
			name[i] = b + 'a' - 'A'
		}
	}
	return name
}
