// The words of errors in a scenario's YAML.

package scenario

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/steelyard-proxy/steelyard/bench/trace"
	"github.com/steelyard-proxy/steelyard/configs"
)

// unknownKey is how the decoder speaks of a key that a type has not.
var unknownKey = regexp.MustCompile(`^line (\d+): field (\S+) not found in type \w+\.(\w+)$`)

// wrongKind is how the decoder speaks of a value that is of another kind than a type.
var wrongKind = regexp.MustCompile("^line (\\d+): cannot unmarshal \\S+?(?: `(.*)`)? into (.+)$")

// sections are the types of the file, by the name that the decoder uses.
var sections = map[string]reflect.Type{
	"Scenario":  reflect.TypeFor[Scenario](),
	"Endpoint":  reflect.TypeFor[Endpoint](),
	"Case":      reflect.TypeFor[Case](),
	"Hints":     reflect.TypeFor[trace.Hints](),
	"Contender": reflect.TypeFor[Contender](),
	"Change":    reflect.TypeFor[Change](),
}

// oneLine is the first problem that the decoder found, in words of ours where it is a key.
func oneLine(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("is empty: give at least title and contenders")
	}
	problem := strings.TrimPrefix(err.Error(), "yaml: ")
	if list, ok := errors.AsType[*yaml.TypeError](err); ok && len(list.Errors) > 0 {
		problem = list.Errors[0]
	}
	if m := unknownKey.FindStringSubmatch(problem); m != nil {
		return fmt.Errorf("line %s: there is no key %s here: %s", m[1], m[2], configs.Suggest(m[2], keys(sections[m[3]])))
	}
	problem, _, _ = strings.Cut(problem, "\n")
	if m := wrongKind.FindStringSubmatch(problem); m != nil {
		found := "this"
		if m[2] != "" {
			found = fmt.Sprintf("%q", m[2])
		}
		return fmt.Errorf("line %s: %s stands where there must be %s", m[1], found, kind(m[3]))
	}
	if strings.Contains(problem, "control characters") || strings.Contains(problem, "UTF-8") {
		return fmt.Errorf("is no text: give a scenario as YAML (%s)", problem)
	}
	return errors.New(problem)
}

// plainNumbers refuses the first number of a file that YAML reads otherwise than a person, such as 0100 for 64.
func plainNumbers(node *yaml.Node) error {
	isNumber := node.Kind == yaml.ScalarNode && (node.ShortTag() == "!!int" || node.ShortTag() == "!!float")
	if isNumber && strings.ContainsAny(node.Value, "0123456789") && !configs.IsDecimal(node.Value) {
		remedy := "numbers are decimal"
		if plainer := configs.Plainer(node.Value); configs.IsDecimal(plainer) {
			remedy = "write " + plainer + ", or in quotes where it is a name"
		}
		return fmt.Errorf("line %d: not everybody reads %s alike: %s", node.Line, node.Value, remedy)
	}
	for _, part := range node.Content {
		if err := plainNumbers(part); err != nil {
			return err
		}
	}
	return nil
}

// kind is a Go type for people who write YAML.
func kind(name string) string {
	_, section := sections[name[strings.LastIndexByte(name, '.')+1:]]
	switch {
	case strings.HasPrefix(name, "[]"):
		return "a list"
	case section:
		return "keys with their values, such as name: value"
	case name == "float64":
		return "a number"
	case name == "int":
		return "a whole number"
	case name == "bool":
		return "true or false"
	case name == "time.Duration":
		return "a time with its unit, such as 40s"
	}
	return "text"
}

func keys(section reflect.Type) []string {
	var list []string
	for i := range section.NumField() {
		field := section.Field(i)
		switch name := field.Tag.Get("yaml"); name {
		case "-":
		case ",inline":
			list = append(list, keys(field.Type)...)
		default:
			list = append(list, name)
		}
	}
	return list
}
