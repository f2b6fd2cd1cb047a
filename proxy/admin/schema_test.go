package admin

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

type nopHandler struct{}

func (nopHandler) ServeHTTP(http.ResponseWriter, *http.Request) {}

// schema is as much of JSON Schema as openapi.json uses.
type schema struct {
	Ref              string            `json:"$ref"`
	Type             string            `json:"type"`
	Format           string            `json:"format"`
	Enum             []string          `json:"enum"`
	Required         []string          `json:"required"`
	Properties       map[string]schema `json:"properties"`
	Items            *schema           `json:"items"`
	Minimum, Maximum *float64
	ExclusiveMinimum *float64 `json:"exclusiveMinimum"`
}

// problems says how v departs from s. An object that lists its properties may
// have no others: what is answered is to be described.
func (d *description) problems(s schema, v any, at string) (found []string) {
	wrong := func(format string, args ...any) {
		found = append(found, at+": "+fmt.Sprintf(format, args...))
	}
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		target, ok := d.Components.Schemas[name]
		if !ok {
			return []string{at + ": no schema " + name}
		}
		return d.problems(target, v, at)
	}
	if s.Type == "" {
		return nil // anything, null included
	}
	switch v := v.(type) {
	case map[string]any:
		if s.Type != "object" {
			wrong("an object, want %s", s.Type)
			break
		}
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				wrong("no %s", name)
			}
		}
		for name, value := range v {
			if property, ok := s.Properties[name]; ok {
				found = append(found, d.problems(property, value, at+"."+name)...)
			} else if s.Properties != nil {
				wrong("%s is not described", name)
			}
		}
	case []any:
		if s.Type != "array" {
			wrong("an array, want %s", s.Type)
			break
		}
		for i, value := range v {
			found = append(found, d.problems(*s.Items, value, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case string:
		if s.Type != "string" || s.Enum != nil && !slices.Contains(s.Enum, v) {
			wrong("%q, want %s %v", v, s.Type, s.Enum)
		}
		if _, err := time.Parse(time.RFC3339, v); s.Format == "date-time" && err != nil {
			wrong("%v", err)
		}
	case float64:
		if s.Type != "number" && (s.Type != "integer" || v != math.Trunc(v)) {
			wrong("%v, want %s", v, s.Type)
		}
		if s.Minimum != nil && v < *s.Minimum || s.Maximum != nil && v > *s.Maximum || s.ExclusiveMinimum != nil && v <= *s.ExclusiveMinimum {
			wrong("%v is out of range", v)
		}
	case bool:
		if s.Type != "boolean" {
			wrong("a boolean, want %s", s.Type)
		}
	default:
		wrong("null, want %s", s.Type)
	}
	return found
}

// TestProblemsAreFound: a check that finds nothing wrong anywhere would make
// the others worthless.
func TestProblemsAreFound(t *testing.T) {
	d := described(t)
	for _, c := range []struct{ schema, body, want string }{
		{"Health", `{"status":"ok","pid":7}`, ""},
		{"Health", `{"status":"bad","pid":7}`, `x.status: "bad", want string [ok]`},
		{"Health", `{"pid":7}`, `x: no status`},
		{"Health", `[]`, `x: an array, want object`},
		{"Health", `null`, `x: null, want object`},
		{"Health", `{"status":"ok","pid":7,"more":1}`, `x: more is not described`},
		{"Connections", `{"idle":1.5,"active":0}`, `x.idle: 1.5, want integer`},
		{"Connections", `{"idle":0,"active":-1}`, `x.active: -1 is out of range`},
		{"Condition", `{"name":"ejected","reason":"","since":"today"}`, `x.since: parsing time "today"`},
		{"Readiness", `{"ready":"yes","reasons":[]}`, `x.ready: "yes", want boolean []`},
		{"Readiness", `{"ready":true,"reasons":[{}]}`, `x.reasons[0]: an object, want string`},
	} {
		var v any
		assert.NoError(t, json.Unmarshal([]byte(c.body), &v))
		found := strings.Join(d.problems(schema{Ref: "#/components/schemas/" + c.schema}, v, "x"), "; ")
		if c.want == "" {
			assert.Empty(t, found)
		} else {
			assert.Contains(t, found, c.want, c.body)
		}
	}
}
