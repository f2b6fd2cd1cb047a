// Where a value stands in the schema, and where it was given.

package configs

import (
	"strconv"
	"strings"
)

// path leads to a value, as in "upstreams[0].endpoints[1].capacity"; "" is the whole file.
type path string

func (p path) key(name string) path {
	if p == "" {
		return path(name)
	}
	return p + "." + path(name)
}

func (p path) item(index int) path {
	return p + path("["+strconv.Itoa(index)+"]")
}

// parent is the section or list that holds p; of a top-level key it is "".
func (p path) parent() path {
	return p[:max(0, strings.LastIndexAny(string(p), ".["))]
}

// place is where a value was given: a line of the file (from 1) or a variable of the environment. The zero place is
// the file without a line, as when there is no such file.
type place struct {
	line     int
	variable string
}

// places remembers where each path was given; "" is always in it. Only reading the file and the environment writes it.
type places map[path]place

// given says whether the file or the environment has p, even if it is empty there.
func (s places) given(p path) bool {
	_, found := s[p]
	return found
}

// of is the place of p or, if p was not given, of the innermost section around it that was.
func (s places) of(p path) place {
	for !s.given(p) {
		p = p.parent()
	}
	return s[p]
}
