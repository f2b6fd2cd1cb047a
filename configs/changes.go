// By which keys two configurations differ.

package configs

import (
	"reflect"
	"strconv"
)

// The kinds of changes.
const (
	Changed = "changed"
	Added   = "added"
	Removed = "removed"
	Moved   = "moved" // the same items, in another order
)

// Change is one key by which two configurations differ, and how.
type Change struct {
	Key  string // "upstreams[chat].endpoints[small].capacity": items of lists by their names
	What string // Changed, Added, Removed or Moved
}

// Changes lists the keys by which a configuration differs from the one before, in the order of the schema.
func Changes(was, is *Config) []Change {
	return compare(nil, "", reflect.ValueOf(*was), reflect.ValueOf(*is))
}

func compare(list []Change, at path, was, is reflect.Value) []Change {
	if was.Kind() == reflect.Pointer {
		switch {
		case was.IsNil() && is.IsNil():
			return list
		case was.IsNil():
			return append(list, Change{string(at), Added})
		case is.IsNil():
			return append(list, Change{string(at), Removed})
		}
		was, is = was.Elem(), is.Elem()
	}
	_, isLeaf := leaves[was.Type()]
	switch {
	case !isLeaf && was.Kind() == reflect.Struct:
		for i, f := range fields(was.Type()) {
			list = compare(list, at.key(f.name), was.Field(i), is.Field(i))
		}
	case !isLeaf && was.Kind() == reflect.Slice && was.Type().Elem().Kind() == reflect.Struct && !isLeafType(was.Type().Elem()):
		list = compareItems(list, at, was, is)
	case !reflect.DeepEqual(was.Interface(), is.Interface()):
		list = append(list, Change{string(at), Changed})
	}
	return list
}

func isLeafType(t reflect.Type) bool {
	_, isLeaf := leaves[t]
	return isLeaf
}

// compareItems compares two lists of sections, whose items are found again by what they are called.
func compareItems(list []Change, at path, was, is reflect.Value) []Change {
	before, after := callItems(was), callItems(is)
	places, last, moved := map[string]int{}, -1, false
	for i, name := range before {
		places[name] = i
	}
	for i, name := range after {
		p := at + path("["+name+"]")
		place, found := places[name]
		if !found {
			list = append(list, Change{string(p), Added})
			continue
		}
		moved, last = moved || place < last, max(place, last)
		list = compare(list, p, was.Index(place), is.Index(i))
		delete(places, name)
	}
	for _, name := range before {
		if _, left := places[name]; left {
			list = append(list, Change{string(at + path("["+name+"]")), Removed})
		}
	}
	if moved {
		list = append(list, Change{string(at), Moved})
	}
	return list
}

// callItems is what the items of a list are called, each once: by name, address, or host and path.
func callItems(items reflect.Value) []string {
	names, taken := make([]string, items.Len()), map[string]bool{}
	for i := range names {
		for _, field := range []string{"Name", "Address", "Host", "Path"} {
			if f := items.Index(i).FieldByName(field); f.IsValid() && f.Kind() == reflect.String {
				names[i] += f.String()
			}
			if field != "Host" && names[i] != "" {
				break
			}
		}
		if names[i] == "" || taken[names[i]] {
			names[i] = strconv.Itoa(i)
		}
		taken[names[i]] = true
	}
	return names
}
