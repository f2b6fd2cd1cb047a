// Printing a configuration with all its defaults.

package configs

import (
	"bytes"
	"fmt"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// YAML prints the configuration with every default, such that Parse reads it back. File names are absolute, so the text
// may be moved. It holds no secrets, as keys stay in their files.
func (c *Config) YAML() ([]byte, error) { return printer{}.print(c) }

// Shown is YAML for people who may not see secrets: "(secret)" stands for each address that lets in whoever knows it.
func (c *Config) Shown() ([]byte, error) { return printer{hide: true}.print(c) }

// printer prints configurations.
type printer struct{ hide bool }

func (p printer) print(c *Config) ([]byte, error) {
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(p.toNode(reflect.ValueOf(*c))); err != nil {
		return nil, fmt.Errorf("print configuration: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("print configuration: %w", err)
	}
	return text.Bytes(), nil
}

// toNode is the inverse of report.read.
func (p printer) toNode(value reflect.Value) *yaml.Node {
	if value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	if secret, is := value.Interface().(SecretURL); is && p.hide && secret != "" {
		return scalar("!!str", secret.String())
	}
	if kind, isLeaf := leaves[value.Type()]; isLeaf {
		return kind.print(value.Interface())
	}
	if value.Kind() == reflect.Slice {
		return p.listNode(value)
	}
	if s, is := value.Interface().(interface{ word() string }); is && s.word() != "" {
		return scalar("!!str", s.word())
	}
	node := &yaml.Node{Kind: yaml.MappingNode}
	for i, f := range fields(value.Type()) {
		child := value.Field(i)
		absent := child.Kind() == reflect.Pointer && child.IsNil()
		if absent || f.omitEmpty && child.IsZero() {
			continue
		}
		node.Content = append(node.Content, scalar("!!str", f.name), p.toNode(child))
	}
	return node
}

// listNode prints leaves side by side and sections below one another.
func (p printer) listNode(list reflect.Value) *yaml.Node {
	node := &yaml.Node{Kind: yaml.SequenceNode}
	if _, isLeaf := leaves[list.Type().Elem()]; isLeaf || list.Len() == 0 {
		node.Style = yaml.FlowStyle
	}
	for i := range list.Len() {
		node.Content = append(node.Content, p.toNode(list.Index(i)))
	}
	return node
}
