package configs

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const editable = `# our gateway
listen: [{address: "127.0.0.1:8080"}]   # the clients
upstreams:
  - name: chat
    policy: least_load   # by what is in flight

    endpoints:
      # the old one
      - {name: small, url: "http://127.0.0.1:9001", capacity: 100} # to be replaced
      - name: large
        url: "http://127.0.0.1:9002"
        capacity: '200.0'
      - {url: "http://127.0.0.1:9003"}
      - url: http://127.0.0.1:9004
`

func TestEdited(t *testing.T) {
	text := strings.Replace(editable, "'200.0'", "200.0", 1)
	for name, c := range map[string]struct {
		edit     Edit
		was, now string
	}{
		"in braces":       {Edit{"chat", "small", "capacity", "52"}, "capacity: 100}", "capacity: 52}"},
		"one a line":      {Edit{"chat", "large", "capacity", "150"}, "capacity: 200.0\n", "capacity: 150\n"},
		"new in braces":   {Edit{"chat", "small", "slots", "8"}, "{name: small", "{slots: 8, name: small"},
		"new, one a line": {Edit{"chat", "large", "slots", "8"}, "- name: large\n", "- name: large\n        slots: 8\n"},
		"without a name":  {Edit{"chat", "127.0.0.1:9003", "capacity", "7"}, "{url: \"http://127.0.0.1:9003\"", "{capacity: 7, url: \"http://127.0.0.1:9003\""},
		"at the end":      {Edit{"chat", "127.0.0.1:9004", "capacity", "7"}, "9004\n", "9004\n        capacity: 7\n"},
		"a new section":   {Edit{"chat", "", "queue.order", "shortest_first"}, "- name: chat\n", "- name: chat\n    queue: {order: shortest_first}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Edited("gateway.yaml", []byte(text), []Edit{c.edit})
			require.NoError(t, err)
			require.Equal(t, 1, strings.Count(text, c.was))
			assert.Equal(t, strings.Replace(text, c.was, c.now, 1), string(got))
		})
	}
	both, err := Edited("gateway.yaml", []byte(text), []Edit{{"chat", "small", "slots", "8"}, {"chat", "small", "capacity", "52"}})
	require.NoError(t, err)
	assert.Contains(t, string(both), `{slots: 8, name: small, url: "http://127.0.0.1:9001", capacity: 52}`)
	within, err := Edited("gateway.yaml", []byte(strings.Replace(text, "    policy", "    queue:\n      max_wait: 5s # short\n    policy", 1)), []Edit{{"chat", "", "queue.order", "shortest_first"}})
	require.NoError(t, err)
	assert.Contains(t, string(within), "      max_wait: 5s # short\n      order: shortest_first\n")
}

// TestEditedRefuses: what cannot be changed alone is left to a person.
func TestEditedRefuses(t *testing.T) {
	const shared = `
upstreams:
  - {name: a, endpoints: &all [{name: x, url: "http://127.0.0.1:1", capacity: &c 5}, {name: y, url: "http://127.0.0.1:2", capacity: *c}]}
  - {name: b, endpoints: *all}
routes: [{path: /a, upstream: a}, {path: /, upstream: b}]
`
	for name, c := range map[string]struct {
		text string
		edit Edit
		says string
	}{
		"an alias":         {shared, Edit{"a", "y", "capacity", "6"}, "by hand"},
		"an anchor":        {shared, Edit{"a", "x", "capacity", "6"}, "by hand"},
		"a list of others": {shared, Edit{"b", "x", "slots", "6"}, "by hand"},
		"no upstream":      {editable, Edit{"chta", "small", "capacity", "6"}, `no upstream is named "chta"`},
		"no endpoint":      {strings.Replace(editable, "'200.0'", "200", 1), Edit{"chat", "smal", "capacity", "6"}, `no endpoint is named "smal"`},
		"a bad value":      {strings.Replace(editable, "'200.0'", "200", 1), Edit{"chat", "small", "capacity", "-6"}, "would be refused"},
		"the same value":   {strings.Replace(editable, "'200.0'", "200", 1), Edit{"chat", "small", "capacity", "100"}, "would change nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Edited("gateway.yaml", []byte(c.text), []Edit{c.edit})
			require.Error(t, err)
			if c.text != editable {
				assert.ErrorContains(t, err, c.says)
			}
		})
	}
}

func TestDiff(t *testing.T) {
	was := "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n"
	assert.Empty(t, Diff("x", []byte(was), []byte(was)))
	is := strings.Replace(strings.Replace(strings.Replace(was, "2\n", "two\n", 1), "17\n", "", 1), "9\n", "9\nnew\n", 1)
	assert.Equal(t, `--- x
+++ x
@@ -1,5 +1,5 @@
 1
-2
+two
 3
 4
 5
@@ -7,6 +7,7 @@
 7
 8
 9
+new
 10
 11
 12
@@ -14,4 +15,3 @@
 14
 15
 16
-17
`, Diff("x", []byte(was), []byte(is)))
}
