package route_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/proxy/route"
)

func TestEmptyTable(t *testing.T) {
	assert.Equal(t, -1, route.NewTable(nil).Match([]byte("a.test"), []byte("/")))
}

// Of two equal rules the first one counts, also for the whole host.
func TestEqualRules(t *testing.T) {
	table := route.NewTable([]route.Rule{{Path: "/a"}, {Path: "/a"}, {Path: "/a", Host: "x"}, {Path: "/a", Host: "X"}, {Path: "/a", Host: "x."}})
	assert.Equal(t, 0, table.Match([]byte("y"), []byte("/a")))
	assert.Equal(t, 2, table.Match([]byte("x"), []byte("/a")))
}

// Paths are bytes: what looks alike after decoding is something else here.
func TestPathsAreComparedUndecoded(t *testing.T) {
	table := route.NewTable([]route.Rule{{Path: "/v1"}, {Path: "/v1/a%2Fb"}})
	for path, want := range map[string]int{
		"/v1/a%2Fb": 1, "/v1/a%2Fb/c": 1, "/v1/a%2fb": 0, "/v1/a/b": 0, "/V1": -1, "/%761": -1, "//v1": -1, "/v1//": 0, "/v1%2Fa": -1, "": -1, "/": -1,
	} {
		assert.Equal(t, want, table.Match(nil, []byte(path)), "%q", path)
	}
}

// A rule that ends in a slash takes what continues it, and wins over the same
// rule without.
func TestTrailingSlash(t *testing.T) {
	table := route.NewTable([]route.Rule{{Path: "/v1"}, {Path: "/v1/"}})
	assert.Equal(t, 0, table.Match(nil, []byte("/v1")))
	assert.Equal(t, 1, table.Match(nil, []byte("/v1/")))
	assert.Equal(t, 1, table.Match(nil, []byte("/v1/models")))
	assert.Equal(t, -1, table.Match(nil, []byte("/v1beta")))
}

// Host rules come first even where their path is shorter; a host whose rules do
// not match falls back to those for all hosts.
func TestHostBeforePath(t *testing.T) {
	table := route.NewTable([]route.Rule{{Path: "/v1/models"}, {Path: "/v1", Host: "a.test"}, {Path: "/v1/models/x", Host: "b.test"}})
	for host, want := range map[string]int{
		"a.test": 1, "a.test:443": 1, "A.Test:": 1, "b.test": 0, "sub.a.test": 0, "a.test.": 1, "A.test.:443": 1, "a.test..": 0, ".": 0, "": 0, "[::1]:80": 0,
	} {
		assert.Equal(t, want, table.Match([]byte(host), []byte("/v1/models")), "%q", host)
	}
	assert.Equal(t, -1, table.Match([]byte("b.test"), []byte("/v1")))
}
