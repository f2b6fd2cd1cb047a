package app

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/proxy"
)

// What configs/REFERENCE.md says of a reload is what a reload does: it puts a key in force, or says that it takes effect
// at the next start.
func TestReferenceSaysWhatAReloadDoes(t *testing.T) {
	page, err := os.ReadFile("../../../configs/REFERENCE.md")
	require.NoError(t, err)
	rows := regexp.MustCompile("(?m)^\\| `([a-z_.\\[\\]]+)` \\|.*\\| (now|start)[^|]*\\|$").FindAllStringSubmatch(string(page), -1)
	require.Greater(t, len(rows), 60)
	for _, row := range rows {
		was, is := new(configs.Config), new(configs.Config)
		path := strings.Split(strings.ReplaceAll(row[1], "[]", ""), ".")
		place(t, reflect.ValueOf(was).Elem(), path)
		alter(t, place(t, reflect.ValueOf(is).Elem(), path))
		keys := NeedRestart(was, is)
		if row[2] == "now" {
			require.Empty(t, keys, "configs/REFERENCE.md says that a reload puts %s in force", row[1])
			continue
		}
		require.Len(t, keys, 1, "configs/REFERENCE.md says that %s takes effect at the next start", row[1])
		require.True(t, strings.HasPrefix(row[1], keys[0]), "%s is told as %s", row[1], keys[0])
	}
}

// place finds a key of a configuration. Lists on the way get their first item, and sections that are not there are made.
func place(t *testing.T, at reflect.Value, path []string) reflect.Value {
	t.Helper()
	for _, name := range path {
		switch at.Kind() {
		case reflect.Slice:
			at.Set(reflect.MakeSlice(at.Type(), 1, 1))
			at = at.Index(0)
		case reflect.Pointer:
			at.Set(reflect.New(at.Type().Elem()))
			at = at.Elem()
		}
		var found bool
		for i := range at.NumField() {
			if tag, _, _ := strings.Cut(at.Type().Field(i).Tag.Get("yaml"), ","); tag == name {
				at, found = at.Field(i), true
				break
			}
		}
		require.True(t, found, "no key %s of %v", name, path)
	}
	return at
}

// alter gives a key another value.
func alter(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Uint16:
		v.SetUint(v.Uint() + 1)
	case reflect.Float64:
		v.SetFloat(v.Float() + 1)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), v.Len()+1, v.Len()+1))
	case reflect.Struct:
		alter(t, v.Field(0))
	default:
		require.Fail(t, "no other value is known", "of a %s", v.Kind())
	}
}

// Every word that affinity.body may have is a field that bodies are read for.
func TestEverySessionFieldIsRead(t *testing.T) {
	for _, field := range configs.SessionFields {
		require.NotEqual(t, proxy.NewAffinity("", "off"), proxy.NewAffinity("", field), field)
	}
}
