package scenario

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	of, _, found := strings.Cut(string(text), "\n## Chaos\n") // whose faults are no keys
	require.True(t, found)
	return of
}

// leaves are the keys of a scenario, as its page writes them.
func leaves(section reflect.Type, at string) (list []string) {
	for i := range section.NumField() {
		kind, name := section.Field(i).Type, section.Field(i).Tag.Get("yaml")
		if name == "-" {
			continue
		}
		if name == ",inline" {
			list = append(list, leaves(kind, at)...)
			continue
		}
		name = at + name
		if kind.Kind() == reflect.Slice && kind.Elem().Kind() == reflect.Struct {
			kind, name = kind.Elem(), name+"[]"
		}
		if kind.Kind() == reflect.Struct {
			list = append(list, leaves(kind, name+".")...)
			continue
		}
		list = append(list, name)
	}
	return list
}

func TestPageHasEveryKey(t *testing.T) {
	_, section, _ := strings.Cut(page(t), "\n## A scenario of your own\n")
	section, _, _ = strings.Cut(section, "\n## ") // tables of other sections have other things
	var told []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_.\\[\\]]+)` \\| .* \\| .* \\|$").FindAllStringSubmatch(section, -1) {
		told = append(told, row[1])
	}
	require.ElementsMatch(t, leaves(reflect.TypeFor[Scenario](), ""), told)
}

// The defaults of the page are those that a scenario gets.
func TestPageNamesTheDefaults(t *testing.T) {
	var s Scenario
	s.Endpoints, s.Cases, s.Contenders = []Endpoint{{Options: engine.Options{Capacity: 3}}}, []Case{{Work: "heavy"}}, []Contender{{Policy: "capacity"}}
	s.withDefaults()
	for key, value := range map[string]string{
		"seeds": "1", "balancers": "1", "arrivals": string(s.Arrivals), "endpoints[].slots": "1",
		"endpoints[].discipline": string(s.Endpoints[0].Discipline), "cases[].hints.tokens": "200",
	} {
		require.Regexp(t, regexp.MustCompile("(?m)^\\| `"+regexp.QuoteMeta(key)+"` \\| `"+value+"` \\|"), page(t))
	}
	made, err := trace.New(trace.Options{Requests: 1, Rate: 1, Work: trace.Constant, Hints: s.Cases[0].Hints})
	require.NoError(t, err)
	require.Equal(t, []int{1, 1, 1, 200}, []int{s.Seeds, s.Balancers, s.Endpoints[0].Slots, made.Requests[0].MaxTokens})
}

func TestExampleOfThePageLoads(t *testing.T) {
	_, text, found := strings.Cut(page(t), "```yaml\n")
	require.True(t, found)
	text, _, _ = strings.Cut(text, "```")
	s, err := Parse("mine.yaml", []byte(text), []string{"capacity", "least_load"})
	require.NoError(t, err)
	require.NoError(t, s.Carried())
}
