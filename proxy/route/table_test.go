package route_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/route"
)

func TestMatch(t *testing.T) {
	table := route.NewTable([]route.Rule{
		{Path: "/"}, {Path: "/v1"}, {Path: "/v1/models/"}, {Path: "/v1", Host: "A.test"}, {Path: "/only", Host: "b.test"}, {Path: "/", Host: "::1"},
	})
	for _, c := range []struct {
		host, path string
		want       int
	}{
		{"x", "/", 0}, {"x", "/v", 0}, {"x", "/v1", 1}, {"x", "/v1/", 1}, {"x", "/v1/chat", 1}, {"x", "/v1beta", 0},
		{"x", "/v1/models", 1}, {"x", "/v1/models/", 2}, {"x", "/v1/models/a%2Fb", 2}, {"x", "*", 0},
		{"a.test", "/v1", 3}, {"A.TEST:8080", "/v1/x", 3}, {"a.test", "/", 0}, {"a.test", "/v1/models/x", 3},
		{"b.test", "/only", 4}, {"b.test", "/other", 0}, {"[::1]:80", "/", 5}, {"[::1]", "/x", 5}, {"", "/", 0},
	} {
		require.Equal(t, c.want, table.Match([]byte(c.host), []byte(c.path)), "%s%s", c.host, c.path)
	}
	require.Equal(t, -1, route.NewTable([]route.Rule{{Path: "/a"}}).Match(nil, []byte("/b")))
}

// The table agrees with a reader who tries every rule.
func TestMatchAgreesWithASearch(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	path := func() string {
		var b strings.Builder
		for range 1 + random.IntN(3) {
			b.WriteString("/" + []string{"a", "b", "ab"}[random.IntN(3)])
		}
		return b.String()
	}
	for range 500 {
		rules := []route.Rule{}
		seen := map[route.Rule]bool{}
		for range random.IntN(8) {
			r := route.Rule{Path: path(), Host: []string{"", "x", "y"}[random.IntN(3)]}
			if !seen[r] {
				rules = append(rules, r)
			}
			seen[r] = true
		}
		host, p := []string{"x", "y", "z"}[random.IntN(3)], path()
		best := -1
		for i, r := range rules {
			if r.Host != "" && r.Host != host || p != r.Path && !strings.HasPrefix(p, r.Path+"/") {
				continue
			}
			if best < 0 || (r.Host != "") == (rules[best].Host != "") && len(r.Path) > len(rules[best].Path) || r.Host != "" && rules[best].Host == "" {
				best = i
			}
		}
		require.Equal(t, best, route.NewTable(rules).Match([]byte(host), []byte(p)), "%v %s%s", rules, host, p)
	}
}

func BenchmarkMatch(b *testing.B) {
	table := route.NewTable([]route.Rule{{Path: "/v1"}, {Path: "/"}, {Path: "/v1/chat", Host: "a.test"}})
	host, path := []byte("b.test:80"), []byte("/v1/chat/completions")
	b.ReportAllocs()
	for b.Loop() {
		table.Match(host, path)
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	table := route.NewTable([]route.Rule{{Path: "/"}, {Path: "/v1/chat", Host: "a.test"}})
	host, path := []byte("A.test:80"), []byte("/v1/chat/completions")
	require.Equal(t, 1, table.Match(host, path))
	require.Zero(t, testing.AllocsPerRun(100, func() { table.Match(host, path) }))
}
