// Reading a list of endpoints from JSON or YAML.

package discovery

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MostBytes is how long a list may be. 10,000 endpoints with all they may have take 2 MiB.
const MostBytes = 8 << 20

// Shape says what a list leaves open.
type Shape struct {
	Scheme string // of addresses without one; "": http
	Port   int    // of addresses without one; 0: they must have one
}

var errNoList = errors.New(`there is no list: write [{"url": "http://host:port"}], or {"endpoints": [...]}`)

// Parse reads a list in one of three shapes, as JSON or YAML:
//
//	[{"name": "a", "url": "http://10.0.0.1:8000", "capacity": 100, "slots": 8, "id": "…", "departing": false}, "10.0.0.2:8000"]
//	{"endpoints": [as above], "sure": false, "version": "…"}
//	[{"targets": ["10.0.0.1:8000"], "labels": {"endpoint_capacity": "100"}}] as Prometheus' http_sd and file_sd have it
//
// Errors name the line. What is wrong with single endpoints Check finds.
func Parse(data []byte, shape Shape) (l List, err error) {
	if len(data) > MostBytes {
		return l, fmt.Errorf("it is longer than %d bytes", MostBytes)
	}
	root, err := tree(data)
	if err != nil {
		return l, err
	}
	if shape.Scheme == "" {
		shape.Scheme = "http"
	}
	p := parser{shape}
	if root.Kind == yaml.SequenceNode {
		l.Endpoints, err = p.items(root)
		return l, err
	}
	if root.Kind != yaml.MappingNode { // such as a page of HTML
		return l, errNoList
	}
	found := false
	err = p.keys(root, map[string]func(*yaml.Node) error{
		"endpoints": func(n *yaml.Node) (err error) {
			found = true
			l.Endpoints, err = p.items(n)
			return err
		},
		"sure":    func(n *yaml.Node) error { return value(n, &l.Sure, "true or false") },
		"version": func(n *yaml.Node) error { return value(n, &l.Version, "text in quotes") },
	})
	if err == nil && !found {
		err = errNoList
	}
	return l, err
}

// tree reads a single document.
func tree(data []byte) (*yaml.Node, error) {
	if text := bytes.TrimSpace(data); len(text) == 0 {
		return nil, errors.New("it is empty: write it whole, or move a whole one to its place; a list without endpoints is []")
	} else if text[0] == '[' || text[0] == '{' {
		data = bytes.ReplaceAll(data, []byte{'\t'}, []byte{' '}) // JSON may be indented by them, YAML may not
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	var document, another yaml.Node
	if err := d.Decode(&document); err != nil {
		cause := strings.ReplaceAll(strings.TrimPrefix(err.Error(), "yaml: "), "\n", " ")
		return nil, fmt.Errorf("%s: write JSON or YAML, as UTF-8, and look for a missing quote, bracket or colon, or a wrong indentation", cause)
	}
	if err := d.Decode(&another); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the list: keep one document")
	}
	if document.Kind != yaml.DocumentNode || len(document.Content) != 1 {
		return nil, errors.New("there is no list")
	}
	return document.Content[0], nil
}

type parser struct{ shape Shape }

// keys reads the keys of a group, each of which is known and stands there once.
func (p parser) keys(n *yaml.Node, known map[string]func(*yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return at(n, "must have keys, such as url")
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		read := known[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || read == nil:
			return at(key, "the key %s is not known: it is %s", quote(key.Value), names(known))
		case seen[key.Value]:
			return at(key, "the key %s stands there twice: keep one of them", quote(key.Value))
		}
		seen[key.Value] = true
		if err := read(v); err != nil {
			return err
		}
	}
	return nil
}

// items reads a list of endpoints or of groups of targets.
func (p parser) items(n *yaml.Node) (list []Endpoint, err error) {
	if n.Kind != yaml.SequenceNode {
		return nil, at(n, "must be a list of endpoints")
	}
	for _, item := range n.Content {
		var more []Endpoint
		switch {
		case item.Kind == yaml.ScalarNode:
			var text string
			err = value(item, &text, "a URL in quotes")
			more = []Endpoint{{URL: p.url(text)}}
		case has(item, "targets"):
			more, err = p.group(item)
		default:
			more = make([]Endpoint, 1)
			err = p.endpoint(item, &more[0])
		}
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}

func has(n *yaml.Node, key string) bool {
	if n.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

func (p parser) endpoint(n *yaml.Node, e *Endpoint) error {
	err := p.keys(n, map[string]func(*yaml.Node) error{
		"name":      func(n *yaml.Node) error { return value(n, &e.Name, "text in quotes") },
		"url":       func(n *yaml.Node) error { return value(n, &e.URL, "text like http://host:port") },
		"id":        func(n *yaml.Node) error { return value(n, &e.ID, "text in quotes") },
		"capacity":  func(n *yaml.Node) error { return value(n, &e.Capacity, "a number") },
		"slots":     func(n *yaml.Node) error { return value(n, &e.Slots, "a whole number") },
		"tier":      func(n *yaml.Node) error { return value(n, &e.Tier, "a whole number") },
		"departing": func(n *yaml.Node) error { return value(n, &e.Departing, "true or false") },
	})
	e.URL = p.url(e.URL)
	return err
}

// Labels that say of the targets of a group what the keys of an endpoint say. Others are passed over.
const (
	labelScheme   = "__scheme__"
	labelName     = "endpoint_name"
	labelID       = "endpoint_id"
	labelCapacity = "endpoint_capacity"
	labelSlots    = "endpoint_slots"
	labelTier     = "endpoint_tier"
)

// group reads targets in Prometheus' shape.
func (p parser) group(n *yaml.Node) (list []Endpoint, err error) {
	var targets []string
	labels := map[string]string{}
	if err := p.keys(n, map[string]func(*yaml.Node) error{
		"targets": func(n *yaml.Node) error { return value(n, &targets, "a list of host:port") },
		"labels":  func(n *yaml.Node) error { return value(n, &labels, "names with text in quotes") },
	}); err != nil {
		return nil, err
	}
	said := Endpoint{Name: labels[labelName], ID: labels[labelID]}
	if text, given := labels[labelCapacity]; given {
		if said.Capacity, err = strconv.ParseFloat(text, 64); err != nil {
			return nil, at(n, "the label %s must be a number, is %s", labelCapacity, quote(text))
		}
	}
	if text, given := labels[labelSlots]; given {
		if said.Slots, err = strconv.Atoi(text); err != nil {
			return nil, at(n, "the label %s must be a whole number, is %s", labelSlots, quote(text))
		}
	}
	if text, given := labels[labelTier]; given {
		if said.Tier, err = strconv.Atoi(text); err != nil {
			return nil, at(n, "the label %s must be a whole number, is %s", labelTier, quote(text))
		}
	}
	if scheme := labels[labelScheme]; scheme != "" {
		p.shape.Scheme = scheme
	}
	for _, target := range targets {
		e := said
		e.URL = p.url(target)
		list = append(list, e)
	}
	return list, nil
}

// url fills in what an address leaves open.
func (p parser) url(text string) string {
	scheme, host, whole := strings.Cut(text, "://")
	if !whole {
		scheme, host = p.shape.Scheme, text
	}
	if host == "" {
		return text
	}
	if _, _, err := net.SplitHostPort(host); err != nil && p.shape.Port > 0 && !strings.ContainsAny(host, "/?#@") {
		host = net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(p.shape.Port))
	}
	return scheme + "://" + host
}

// value reads what stands at a key.
func value(n *yaml.Node, to any, want string) error {
	if aliased(n) {
		return at(n, "must be %s: an alias is not read", want)
	}
	tag, fits := n.ShortTag(), true
	switch to.(type) { // the decoder would cut 1.5 down to 1
	case *string:
		fits = tag == "!!str"
	case *bool:
		fits = tag == "!!bool"
	case *int:
		fits = tag == "!!int"
	case *float64:
		fits = tag == "!!int" || tag == "!!float"
	}
	if !fits || n.Decode(to) != nil {
		return at(n, "must be %s, is %s", want, quote(n.Value))
	}
	return nil
}

func aliased(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, aliased)
}

func at(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("line %d: %s", n.Line, fmt.Sprintf(format, args...))
}

func names[V any](known map[string]V) string {
	var list []string
	for name := range known {
		list = append(list, name)
	}
	slices.Sort(list)
	return strings.Join(list[:len(list)-1], ", ") + " or " + list[len(list)-1]
}
