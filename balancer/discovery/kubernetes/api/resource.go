// What is asked for, and the path under which the server has it.

package api

import (
	"net/url"
	"strings"
)

// Resource is a kind of objects in a namespace, one object of it, or a part of one.
type Resource struct {
	Group     string // "apps"; "" for the core
	Version   string // "v1"
	Kind      string // as paths have it: "deployments"
	Namespace string // "": not in one
	Name      string // "": all of them
	Part      string // a subresource, such as "scale"; "": none
}

// path is where the server has the resource. Names come from users: none can lead to another path.
func (r Resource) path() string {
	parts := []string{"api", r.Version}
	if r.Group != "" {
		parts = []string{"apis", r.Group, r.Version}
	}
	if r.Namespace != "" {
		parts = append(parts, "namespaces", r.Namespace)
	}
	for _, part := range []string{r.Kind, r.Name, r.Part} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
		if part == "." || part == ".." {
			parts[i] = strings.ReplaceAll(part, ".", "%2E")
		}
	}
	return "/" + strings.Join(parts, "/")
}

// kind is what a role has to name: "deployments/scale".
func (r Resource) kind() string {
	if r.Part == "" {
		return r.Kind
	}
	return r.Kind + "/" + r.Part
}

// String is the resource in words: `deployments/scale "chat" in namespace "llm"`.
func (r Resource) String() string {
	text := r.kind()
	if r.Name != "" {
		text += ` "` + r.Name + `"`
	}
	if r.Namespace != "" {
		text += ` in namespace "` + r.Namespace + `"`
	}
	return text
}
