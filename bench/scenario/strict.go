package scenario

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// unknownKey is how the decoder speaks of a key that a type has not.
var unknownKey = regexp.MustCompile(`^line (\d+): field (\S+) not found in type scenario\.(\w+)$`)

// sections are the types of the file, by the name that the decoder uses.
var sections = map[string]reflect.Type{
	"Scenario":  reflect.TypeFor[Scenario](),
	"Endpoint":  reflect.TypeFor[Endpoint](),
	"Case":      reflect.TypeFor[Case](),
	"Hints":     reflect.TypeFor[Hints](),
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
		return fmt.Errorf("line %s: there is no key %s here: %s", m[1], m[2], Suggest(m[2], keys(sections[m[3]])))
	}
	problem, _, _ = strings.Cut(problem, "\n")
	return errors.New(problem)
}

func keys(section reflect.Type) []string {
	var list []string
	for i := range section.NumField() {
		if name := section.Field(i).Tag.Get("yaml"); name != "-" {
			list = append(list, name)
		}
	}
	return list
}
