// Lines of a file, and where values stand in them.

package configs

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// lines are those of a file, each with its end.
type lines [][]rune

func newLines(text []byte) (list lines) {
	for line := range bytes.Lines(text) {
		list = append(list, []rune(string(line)))
	}
	return list
}

func (l lines) text() []byte {
	var b strings.Builder
	for _, line := range l {
		b.WriteString(string(line))
	}
	return []byte(b.String())
}

// replace puts another value in place of a scalar.
func (l lines) replace(node *yaml.Node, value string) ([]byte, error) {
	line, at, length, err := l.find(node)
	if err != nil {
		return nil, err
	}
	l[line] = append(append(append([]rune{}, l[line][:at]...), []rune(value)...), l[line][at+length:]...)
	return l.text(), nil
}

// find is where a scalar stands, and how long it is there.
func (l lines) find(node *yaml.Node) (line, at, length int, err error) {
	line, at = node.Line-1, node.Column-1
	if node.Kind != yaml.ScalarNode || node.Anchor != "" || line < 0 || line >= len(l) || at < 0 || at >= len(l[line]) {
		return 0, 0, 0, fmt.Errorf("the value in line %d is no plain one", node.Line)
	}
	rest := string(l[line][at:])
	switch {
	case node.Style == 0 && strings.HasPrefix(rest, node.Value):
		return line, at, len([]rune(node.Value)), nil
	case node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 && strings.HasPrefix(rest[1:], node.Value+rest[:1]):
		return line, at, len([]rune(node.Value)) + 2, nil
	}
	return 0, 0, 0, fmt.Errorf("the value in line %d is no plain one", node.Line)
}

// insert adds "key: value" to a section.
func (l lines) insert(section *yaml.Node, entry string) ([]byte, error) {
	if section.Kind != yaml.MappingNode || len(section.Content) == 0 || section.Anchor != "" {
		return nil, fmt.Errorf("line %d has no plain section", section.Line)
	}
	first := section.Content[0]
	line, at := first.Line-1, first.Column-1
	if line < 0 || line >= len(l) || at > len(l[line]) {
		return nil, fmt.Errorf("line %d is not there", first.Line)
	}
	before := append([]rune{}, l[line][:at]...)
	if section.Style&yaml.FlowStyle != 0 {
		l[line] = append(append(before, []rune(entry+", ")...), l[line][at:]...)
		return l.text(), nil
	}
	indent := strings.Repeat(" ", at)
	for i := 0; i+1 < len(section.Content); i += 2 { // below the first value that ends with its line
		key, value := section.Content[i], section.Content[i+1]
		if value.Kind != yaml.ScalarNode || value.Line != key.Line || value.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			continue
		}
		if next := i + 2; next < len(section.Content) && section.Content[next].Line != value.Line+1 && value.Style != 0 {
			continue // quoted over several lines
		}
		at := value.Line - 1
		if end := string(l[at]); !strings.HasSuffix(end, "\n") {
			l[at] = append(l[at], '\n')
		}
		l[at] = append(l[at], []rune(indent+entry+"\n")...)
		return l.text(), nil
	}
	l[line] = append(append(before, []rune(entry+"\n"+indent)...), l[line][at:]...)
	return l.text(), nil
}
