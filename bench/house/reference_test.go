package house

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/steelyard-proxy/steelyard/configs"
)

// keyPage is where every key of the configuration stands.
const keyPage = "configs/REFERENCE.md"

// keys are the leaves of the configuration's schema, as keyPage writes them.
func keys(section reflect.Type, at string) []string {
	var list []string
	for i := range section.NumField() {
		field := section.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		kind, path := field.Type, at+name
		if kind.Kind() == reflect.Slice && kind.Elem().Kind() == reflect.Struct && !isLeaf(kind.Elem()) {
			kind, path = kind.Elem(), path+"[]"
		}
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		if kind.Kind() == reflect.Struct && !isLeaf(kind) {
			list = append(list, keys(kind, path+".")...)
			continue
		}
		list = append(list, path)
	}
	return list
}

func isLeaf(kind reflect.Type) bool {
	return slices.Contains([]reflect.Type{
		reflect.TypeFor[configs.StatusRange](), reflect.TypeFor[netip.Prefix](), reflect.TypeFor[time.Duration](),
		reflect.TypeFor[configs.Period](), reflect.TypeFor[configs.Capacity](), reflect.TypeFor[configs.Slots](), reflect.TypeFor[configs.PrefixCache](), reflect.TypeFor[configs.HedgeAfter](),
	}, kind)
}

// keyCell fits the first cell of a row about a key.
const keyCell = "`(half_close|optimise|[a-z_]+[.\\[][][a-z_.]+)`"

func TestReferenceHasEveryKey(t *testing.T) {
	want := keys(reflect.TypeFor[configs.Config](), "")
	require.Greater(t, len(want), 40)
	var got []string
	for _, r := range rows(t, keyPage, keyCell) {
		require.Len(t, r, 4, "key, default, meaning, and what a reload does with it")
		got = append(got, strings.Trim(r[0], "`"))
	}
	require.Equal(t, want, got, "the table of keys in "+keyPage+", in the schema's order")
}

// TestReferenceDefaultsAreTheDefaults writes each default that the page names into a configuration: it must change
// nothing.
func TestReferenceDefaultsAreTheDefaults(t *testing.T) {
	resolve := func(key string, value any) string {
		text, err := yaml.Marshal(with(map[string]any{}, key, value))
		require.NoError(t, err)
		c, err := configs.Parse(keyPage, text, nil)
		require.NoError(t, err, "%s", text)
		resolved, err := c.YAML()
		require.NoError(t, err)
		return string(resolved)
	}
	base := func(key string) string {
		if strings.Contains(key, ".discovery.") {
			return resolve("upstreams[].discovery.kind", "file")
		}
		return resolve("upstreams[].endpoints[].url", "http://127.0.0.1:9001")
	}
	checked := 0
	for _, r := range rows(t, keyPage, keyCell) {
		key, text := strings.Trim(r[0], "`"), strings.Trim(r[1], "`")
		if text == r[1] || strings.Contains(r[1], " ") || strings.Contains(key, ".tls.") {
			continue // in words, or of a section that needs more than this key
		}
		var value any
		require.NoError(t, yaml.Unmarshal([]byte(text), &value))
		if resolve(key, value) != base(key) {
			t.Errorf("%s says that %s is %s by default, and it is not", keyPage, key, text)
		}
		checked++
	}
	require.Greater(t, checked, 30)
}

// with sets a key of a configuration that has one endpoint.
func with(c map[string]any, key string, value any) map[string]any {
	set := func(path string, value any) {
		at := c
		parts := strings.Split(path, ".")
		for _, part := range parts[:len(parts)-1] {
			name, isList := strings.CutSuffix(part, "[]")
			next := map[string]any{}
			switch old := at[name].(type) {
			case map[string]any:
				next = old
			case []any:
				next = old[0].(map[string]any)
			}
			if at[name] = any(next); isList {
				at[name] = []any{next}
			}
			at = next
		}
		at[parts[len(parts)-1]] = value
	}
	set("upstreams[].endpoints[].url", "http://127.0.0.1:9001")
	if strings.Contains(key, ".discovery.") {
		set("upstreams[].discovery.path", "/list.yaml")
		set("upstreams[].discovery.kind", "file")
	}
	set(key, value)
	return c
}

// TestErrorsPageHasEveryError holds the table of codes to those that the data path can make.
func TestErrorsPageHasEveryError(t *testing.T) {
	want := map[string]string{} // status by code
	for _, m := range regexp.MustCompile(`\{(?:Client|Upstream|Steelyard), (\d{3}), "([a-z_0-9]+)"`).FindAllStringSubmatch(read(t, "proxy/fault/fault.go"), -1) {
		want[m[2]] = m[1]
	}
	refusals := read(t, "proxy/strict/refusal.go")
	for _, m := range regexp.MustCompile(`&Refusal\{(\d{3}), "([a-z_0-9]+)"`).FindAllStringSubmatch(refusals, -1) {
		want[m[2]] = m[1]
	}
	for _, m := range regexp.MustCompile(` bad\("([a-z_0-9]+)"`).FindAllStringSubmatch(refusals, -1) {
		want[m[1]] = "400"
	}
	require.Greater(t, len(want), 35)
	got := map[string]string{}
	for _, r := range rows(t, "proxy/ERRORS.md", `[1-5]\d\d`) {
		for _, m := range regexp.MustCompile("`([a-z_0-9]+)`").FindAllStringSubmatch(r[1], -1) {
			got[m[1]] = r[0]
		}
	}
	require.Equal(t, want, got)
}

func TestAPIPageHasEveryAdminRoute(t *testing.T) {
	var api struct {
		Paths map[string]map[string]json.RawMessage
	}
	require.NoError(t, json.Unmarshal([]byte(read(t, "proxy/admin/openapi.json")), &api))
	var want, got []string
	for path, methods := range api.Paths {
		for method := range methods {
			want = append(want, strings.ToUpper(method)+" "+path)
		}
	}
	for _, r := range rows(t, "proxy/admin/API.md", "`(GET|POST|DELETE) .*`") {
		got = append(got, strings.Trim(r[0], "`"))
	}
	require.ElementsMatch(t, want, got)
}

// TestKeysOfPagesExist holds to the schema every key that a page names, whole or without the sections before it.
func TestKeysOfPagesExist(t *testing.T) {
	known := map[string]bool{}
	begins := regexp.MustCompile(`^(listen|admin|log|limits|clients|timeouts|forwarded|upstreams|endpoints|tls|queue|predict|health|connections|routes)$`)
	for _, key := range keys(reflect.TypeFor[configs.Config](), "") {
		parts := strings.Split(strings.ReplaceAll(key, "[]", ""), ".")
		for i := range parts {
			known[strings.Join(parts[i:], ".")] = true
		}
	}
	checked := 0
	for _, page := range pages() {
		for _, m := range regexp.MustCompile("`([a-z_]+(?:\\[\\])?(?:\\.[a-z_]+(?:\\[\\])?)+)`").FindAllStringSubmatch(read(t, page), -1) {
			key := strings.ReplaceAll(m[1], "[]", "")
			section, _, _ := strings.Cut(key, ".")
			if !begins.MatchString(section) || strings.HasSuffix(key, ".go") || page == "bench/README.md" && section == "endpoints" {
				continue // no key, a file, or one of a scenario, which has endpoints of its own
			}
			if !known[key] {
				t.Errorf("%s names the key %s, which the configuration has not", page, m[1])
			}
			checked++
		}
	}
	require.Greater(t, checked, 100)
}

func TestMetricsOfPagesExist(t *testing.T) {
	families := read(t, "metrics/METRICS.md")
	for _, page := range pages() {
		for _, name := range regexp.MustCompile(`\bsteelyard_[a-z0-9_]+`).FindAllString(read(t, page), -1) {
			if !strings.Contains(families, "| `"+name+"` |") {
				t.Errorf("%s names the metric %s, which the table of metrics/METRICS.md has not", page, name)
			}
		}
	}
}
