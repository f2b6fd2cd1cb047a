// Overrides from the environment.

package configs

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

const envPrefix = "STEELYARD_"

// serviceLinks matches variables such as STEELYARD_SERVICE_HOST and STEELYARD_PORT_8080_TCP_ADDR, which Kubernetes and
// Docker links set in every container beside a service called steelyard or steelyard-something. They are nobody's
// mistake and are passed over.
var serviceLinks = regexp.MustCompile(`^STEELYARD_(.*_)?` +
	`(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

// variable is one key of the schema under the name it has in the environment.
type variable struct {
	name string
	path path
	kind reflect.Type
}

// variables lists the keys outside lists, and the lists themselves, so that a variable for one gets its own message.
func variables(section reflect.Type, p path) []variable {
	var list []variable
	for _, f := range fields(section) {
		at := p.key(f.name)
		if _, isLeaf := leaves[f.kind]; !isLeaf && f.kind.Kind() == reflect.Struct {
			list = append(list, variables(f.kind, at)...)
			continue
		}
		name := envPrefix + strings.ToUpper(strings.ReplaceAll(string(at), ".", "_"))
		list = append(list, variable{name, at, f.kind})
	}
	return list
}

// readEnv reads the overrides from an environment of "NAME=value" lines. An empty value counts: an empty
// STEELYARD_ADMIN_ADDRESS turns the admin listener off.
func (r *report) readEnv(env []string) map[path]any {
	values := map[path]any{}
	known := variables(reflect.TypeFor[Config](), "")
	var strangers []string
	for _, line := range env {
		name, text, _ := strings.Cut(line, "=")
		if !strings.HasPrefix(name, envPrefix) {
			continue
		}
		i := slices.IndexFunc(known, func(v variable) bool { return v.name == name })
		if i < 0 {
			if !serviceLinks.MatchString(name) {
				strangers = append(strangers, name)
			}
			continue
		}
		if value := r.readVariable(known[i], text); value != nil {
			values[known[i].path] = value
		}
	}
	r.noteStrangers(strangers, known)
	return values
}

func (r *report) readVariable(v variable, text string) any {
	r.places[v.path] = place{variable: v.name}
	_, isLeaf := leaves[v.kind]
	if !isLeaf {
		r.addAt(r.places[v.path], v.path, "set it in the file", "is a list, which the environment cannot override")
		return nil
	}
	node := scalar("", text)
	if v.kind.Kind() == reflect.String || text == "" {
		node.Tag = "!!str" // text is taken literally: it needs no quotes, and 1 or true are words
	}
	return r.readLeaf(node, v.kind, v.path)
}
