// From a tree of YAML nodes to plain values.

package configs

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// field is one key of a section of the schema.
type field struct {
	name      string
	kind      reflect.Type
	omitEmpty bool // not printed while it has its zero value
}

// fields lists the keys of a section, in the order of the schema; field i of the struct is element i.
func fields(section reflect.Type) []field {
	list := make([]field, section.NumField())
	for i := range list {
		name, option, _ := strings.Cut(section.Field(i).Tag.Get("yaml"), ",")
		list[i] = field{name, section.Field(i).Type, option == "omitempty"}
	}
	return list
}

// read turns a node into the plain value that the schema asks for at p: a leaf's value, a map[string]any or a []any.
// nil means that nothing was given, or that what was given is refused and reported. It never goes deeper than the schema,
// so an alias that contains itself comes to an end.
func (r *report) read(node *yaml.Node, kind reflect.Type, p path) any {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if kind.Kind() == reflect.Pointer {
		// The presence of such a section means something: an empty "tls:" must not give plain HTTP.
		if isNull(node) {
			r.refuse(p, "fill it in or remove it", "has nothing in it")
			return nil
		}
		kind = kind.Elem()
	}
	if isNull(node) {
		return nil
	}
	if _, found := leaves[kind]; found {
		return r.readLeaf(node, kind, p)
	}
	if kind.Kind() == reflect.Slice {
		return r.readList(node, kind.Elem(), p)
	}
	return r.readSection(node, kind, p)
}

func (r *report) readLeaf(node *yaml.Node, of reflect.Type, p path) any {
	kind := leaves[of]
	remedy := kind.remedy
	if node.Kind != yaml.ScalarNode {
		remedy = "write one value, without brackets"
	} else if value, ok := kind.read(node.ShortTag(), node.Value); ok {
		return value
	} else if no := noFor[of]; saysNo(node) && no != "" {
		remedy = no
	} else if plainer := Plainer(node.Value); plainer != node.Value && kind.reads(node.Style, plainer) {
		remedy = "write " + plainer + ": a number is decimal and has no leading 0, + or _, as not everybody reads those alike"
	} else if isNumber(node.ShortTag()) && !IsDecimal(node.Value) && kind.reads(node.Style, "8") { // a mode is octal
		remedy = "numbers are decimal: " + remedy
	}
	r.refuse(p, remedy, "must be %s, is %s", kind.want, describe(node))
	return nil
}

func (r *report) readList(node *yaml.Node, kind reflect.Type, p path) any {
	if node.Kind != yaml.SequenceNode {
		remedy := "write [a, b], or one item a line, each after a dash"
		if keys := asKeys(node, kind); keys != "" {
			remedy = "write [" + keys + "], or one item a line, each after a dash"
		}
		r.refuse(p, remedy, "must be a list, is %s", describe(node))
		return nil
	}
	list := make([]any, len(node.Content))
	for i, child := range node.Content {
		at := p.item(i)
		r.places[at] = place{line: child.Line}
		if list[i] = r.read(child, kind, at); list[i] == nil {
			list[i] = r.emptyItem(kind, at)
		}
	}
	return list
}

// mainKeys name, of sections that people write as their one value, that value's key.
var mainKeys = map[reflect.Type]string{
	reflect.TypeFor[Listen](): "address", reflect.TypeFor[Admin](): "address", reflect.TypeFor[Endpoint](): "url",
}

// asKeys is the section of which node is the one value, as it should be written. "": it is none.
func asKeys(node *yaml.Node, section reflect.Type) string {
	key := mainKeys[section]
	if key == "" || node.Kind != yaml.ScalarNode || node.ShortTag() != "!!str" {
		return ""
	}
	return "{" + key + ": " + quote(node.Value) + "}"
}

// emptyItem takes the place of an item that is empty or refused, so that the items after it keep their index.
func (r *report) emptyItem(kind reflect.Type, p path) any {
	if _, isLeaf := leaves[kind]; !isLeaf {
		return map[string]any{}
	}
	if !r.broken[p] {
		r.refuse(p, "fill it in or remove it", "is empty")
	}
	return reflect.Zero(kind).Interface()
}

func (r *report) readSection(node *yaml.Node, section reflect.Type, p path) any {
	if values, isOff := readOff(node, section); isOff {
		return values
	}
	if _, may := off[section]; may && saysNo(node) {
		r.refuse(p, "write off to switch it off, or keys", "must have keys or be off, is %s", describe(node))
		return nil
	}
	if node.Kind == yaml.ScalarNode && section == reflect.TypeFor[Good]() {
		r.refuse(p, "write status, or {first_byte: 2s} or {response: 30s}", "must be status or have keys, is %s", describe(node))
		return nil
	}
	if node.Kind != yaml.MappingNode {
		remedy := "write one \"key: value\" a line, indented, or {key: value}"
		if keys := asKeys(node, section); keys != "" {
			remedy = "write " + keys
		}
		r.refuse(p, remedy, "must have keys, is %s", describe(node))
		return nil
	}
	values := map[string]any{}
	known := fields(section)
	lines := map[string]int{} // where each key was first met
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		name, at := keyName(key), place{line: key.Line}
		if first, again := lines[name]; again {
			r.addAt(at, p.key(plain(name)), "keep one of the two", "is given twice, first in line %d", first)
			continue
		}
		lines[name] = key.Line
		r.places[p.key(plain(name))] = at
		if found := findField(known, name); found != nil {
			if value := r.read(node.Content[i+1], found.kind, p.key(name)); value != nil {
				values[name] = value
			}
			continue
		}
		r.unknownKey(p, name, known)
	}
	return values
}

// unknownKey reports a key that the schema lacks. If it is a misspelt one, or another proxy's, the one that was meant is not reported as missing too.
func (r *report) unknownKey(p path, name string, known []field) {
	if name == "<<" {
		r.add(p.key(plain(name)), "repeat the keys, or alias a whole value", "merge keys are not read")
		return
	}
	names := make([]string, len(known))
	for i := range known {
		names[i] = known[i].name
	}
	remedy, elsewhere := foreign[name]
	if !elsewhere {
		remedy = Suggest(name, names)
	}
	r.add(p.key(plain(name)), remedy, "unknown key")
	meant := nearest(name, names)
	if elsewhere {
		meant, _, _ = strings.Cut(remedy, " ") // it begins with the key that is ours
	}
	if meant != "" && !r.places.given(p.key(meant)) {
		r.excused[p.key(meant)] = true
	}
}

func findField(known []field, name string) *field {
	for i := range known {
		if known[i].name == name {
			return &known[i]
		}
	}
	return nil
}

// keyName is the text before the colon, or "" if that is a list or has keys of its own.
func keyName(key *yaml.Node) string {
	if key.Kind == yaml.AliasNode {
		key = key.Alias
	}
	return key.Value
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" }

func describe(node *yaml.Node) string {
	switch tag := node.ShortTag(); {
	case node.Kind == yaml.MappingNode:
		return "a group of keys"
	case node.Kind == yaml.SequenceNode:
		return "a list"
	case isNumber(tag):
		return "the number " + shorten(node.Value)
	case tag == "!!bool":
		return "the truth value " + shorten(node.Value)
	case tag == "!!timestamp":
		return "the date " + shorten(node.Value)
	default:
		return quote(node.Value)
	}
}
