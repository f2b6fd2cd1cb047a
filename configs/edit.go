// Changing single values of a configuration file, with all else left as it stands there.

package configs

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Edit is a value of an upstream, or of one of its endpoints, that should be another.
type Edit struct {
	Upstream, Endpoint string // by name; Endpoint "": the key is the upstream's
	Key                string // "capacity" or "queue.order"
	Value              string // as it stands in a file
}

// String names the value, as Changes do.
func (e Edit) String() string {
	key := "upstreams[" + e.Upstream + "]"
	if e.Endpoint != "" {
		key += ".endpoints[" + e.Endpoint + "]"
	}
	return key + "." + e.Key
}

// Edited is the text of a configuration with other values. Comments, order and spaces stay. The result is a configuration
// that differs in these values and in nothing else; where that cannot be, as with an alias that stands for several, it is an error.
func Edited(name string, text []byte, edits []Edit) ([]byte, error) {
	before, err := Parse(name, text, nil)
	if err != nil {
		return nil, err
	}
	edited := text
	for _, e := range edits {
		if edited, err = before.edit(edited, e); err != nil {
			return nil, fmt.Errorf("change %s to %s: %w; change it by hand", e, e.Value, err)
		}
	}
	after, err := Parse(name, edited, nil)
	if err != nil {
		return nil, fmt.Errorf("change by hand: the changed file would be refused: %w", err)
	}
	var wanted, done []string
	for _, e := range edits {
		wanted = append(wanted, e.String())
	}
	for _, c := range Changes(before, after) {
		done = append(done, c.Key)
	}
	slices.Sort(wanted)
	slices.Sort(done)
	if !slices.Equal(slices.Compact(wanted), done) {
		return nil, fmt.Errorf("change %s by hand: in this file that would change %s", strings.Join(wanted, ", "), orNothing(done))
	}
	return edited, nil
}

func orNothing(keys []string) string {
	if len(keys) == 0 {
		return "nothing"
	}
	return strings.Join(keys, ", ")
}

// edit makes one edit in a text whose upstreams and endpoints are those of c, in order.
func (c *Config) edit(text []byte, e Edit) ([]byte, error) {
	var file yaml.Node
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	if len(file.Content) == 0 {
		return nil, fmt.Errorf("the file is empty")
	}
	u := slices.IndexFunc(c.Upstreams, func(u Upstream) bool { return u.Name == e.Upstream })
	if u < 0 {
		return nil, fmt.Errorf("no upstream is named %s", quote(e.Upstream))
	}
	at, err := descend(file.Content[0], "upstreams", u)
	if err == nil && e.Endpoint != "" {
		i := slices.IndexFunc(c.Upstreams[u].Endpoints, func(e2 Endpoint) bool { return e2.Name == e.Endpoint })
		if i < 0 {
			return nil, fmt.Errorf("no endpoint is named %s", quote(e.Endpoint))
		}
		at, err = descend(at, "endpoints", i)
	}
	if err != nil {
		return nil, err
	}
	lines := newLines(text)
	keys := strings.Split(e.Key, ".")
	for i, key := range keys {
		value := valueOf(at, key)
		switch {
		case value == nil:
			rest := e.Value
			for _, inner := range slices.Backward(keys[i+1:]) {
				rest = "{" + inner + ": " + rest + "}"
			}
			return lines.insert(at, key+": "+rest)
		case i == len(keys)-1:
			return lines.replace(value, e.Value)
		}
		at = value
	}
	return nil, fmt.Errorf("no key is given")
}

// descend is the item of a list under a key.
func descend(section *yaml.Node, key string, item int) (*yaml.Node, error) {
	list := valueOf(section, key)
	if list == nil || list.Kind != yaml.SequenceNode || item >= len(list.Content) || list.Content[item].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s are not a plain list here", key)
	}
	return list.Content[item], nil
}

// valueOf is the value of a key, or nil.
func valueOf(section *yaml.Node, key string) *yaml.Node {
	for i := 0; section.Kind == yaml.MappingNode && i+1 < len(section.Content); i += 2 {
		if section.Content[i].Value == key {
			return section.Content[i+1]
		}
	}
	return nil
}
