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
func (c *Config) YAML() ([]byte, error) {
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(toNode(reflect.ValueOf(*c))); err != nil {
		return nil, fmt.Errorf("print configuration: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("print configuration: %w", err)
	}
	return text.Bytes(), nil
}

// toNode is the inverse of report.read.
func toNode(value reflect.Value) *yaml.Node {
	if value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	if kind, isLeaf := leaves[value.Type()]; isLeaf {
		return kind.print(value.Interface())
	}
	if value.Kind() == reflect.Slice {
		return listNode(value)
	}
	node := &yaml.Node{Kind: yaml.MappingNode}
	for i, f := range fields(value.Type()) {
		child := value.Field(i)
		absent := child.Kind() == reflect.Pointer && child.IsNil()
		if absent || f.omitEmpty && child.IsZero() {
			continue
		}
		node.Content = append(node.Content, scalar("!!str", f.name), toNode(child))
	}
	return node
}

// listNode prints leaves side by side and sections below one another.
func listNode(list reflect.Value) *yaml.Node {
	node := &yaml.Node{Kind: yaml.SequenceNode}
	if _, isLeaf := leaves[list.Type().Elem()]; isLeaf || list.Len() == 0 {
		node.Style = yaml.FlowStyle
	}
	for i := range list.Len() {
		node.Content = append(node.Content, toNode(list.Index(i)))
	}
	return node
}
