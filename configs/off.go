// Switching things off: what may be written, and what to write for other words that mean no.

package configs

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// off is what may stand in place of a section, and what that means there.
var off = map[reflect.Type]map[string]any{
	reflect.TypeFor[Retry]():     {"attempts": 1},
	reflect.TypeFor[Hedge]():     {},
	reflect.TypeFor[Outlier]():   {"enforce": false},
	reflect.TypeFor[Queue]():     {"max_requests": 0},
	reflect.TypeFor[Usage]():     {"enabled": false},
	reflect.TypeFor[Anomalies](): {"enabled": false},
	reflect.TypeFor[Forecast]():  {"enabled": false},
}

// readOff reads "off", or a word of its own, in place of a section that knows it.
func readOff(node *yaml.Node, section reflect.Type) (values map[string]any, ok bool) {
	if node.Kind != yaml.ScalarNode {
		return nil, false
	}
	if section == reflect.TypeFor[Good]() && node.Value == statusWord {
		return map[string]any{}, true
	}
	if node.Value != "off" {
		return nil, false
	}
	values, ok = off[section]
	return values, ok
}

// noFor is what to write where another word that means no stands.
var noFor = map[reflect.Type]string{
	reflect.TypeFor[bool]():          "write false",
	reflect.TypeFor[time.Duration](): "write 0s, where the key may be off, or a duration like 10s",
}

// saysNo says whether a word that means no stands where another is read.
func saysNo(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && slices.Contains([]string{"off", "no", "none", "false", "never", "disabled"}, strings.ToLower(node.Value))
}
