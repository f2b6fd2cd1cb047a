package house

import (
	"slices"
	"strings"
	"testing"
)

func lookUp(path string) (room, bool) {
	i := slices.IndexFunc(rooms, func(r room) bool { return r.path == path })
	if i < 0 {
		return room{}, false
	}
	return rooms[i], true
}

func TestEveryPackageHasARow(t *testing.T) {
	exists := map[string]bool{}
	for _, f := range sources(t) {
		exists[f.room] = true
	}
	for path := range exists {
		if _, ok := lookUp(path); !ok {
			t.Errorf("package %s has no row in bench/house/rooms_test.go: give it one, with its level, whom it may import, and why", path)
		}
	}
	seen := map[string]bool{}
	for _, r := range rooms {
		if !exists[r.path] {
			t.Errorf("rooms has a row for %s, which does not exist: take the row out", r.path)
		}
		if r.why == "" {
			t.Errorf("the row of %s gives no reason", r.path)
		}
		if seen[r.path] {
			t.Errorf("rooms has two rows for %s", r.path)
		}
		seen[r.path] = true
	}
}

// TestRowsGoDownwards holds the plan itself to the levels: what a room may import lies below it. Only the tests of
// bench may look sideways, since its parts are each other's peers.
func TestRowsGoDownwards(t *testing.T) {
	for _, r := range rooms {
		for _, path := range strings.Fields(r.sees + " " + r.tests) {
			below, ok := lookUp(path)
			if !ok {
				t.Errorf("%s may import %s, which has no row", r.path, path)
				continue
			}
			sideways := below.level == r.level && within(r.path, "bench") && within(path, "bench") &&
				!slices.Contains(strings.Fields(r.sees), path)
			if below.level >= r.level && !sideways {
				t.Errorf("%s (level %d) may import %s (level %d): imports go down", r.path, r.level, path, below.level)
			}
		}
	}
}

func TestImportsFollowTheRows(t *testing.T) {
	for _, f := range sources(t) {
		r, ok := lookUp(f.room)
		if !ok {
			continue // TestEveryPackageHasARow says so
		}
		allowed := strings.Fields(r.sees)
		if f.test {
			allowed = append(allowed, strings.Fields(r.tests)...)
			allowed = append(allowed, r.path) // an external test package imports its own
		}
		for _, path := range f.imports() {
			if imported, is := ours(path); is && !slices.Contains(allowed, imported) {
				t.Errorf("%s imports %s, and %s may not: %s.\nIf that is no longer so, change the row in bench/house/rooms_test.go and its reason with it.",
					f.path, imported, r.path, r.why)
			}
		}
	}
}

func TestImportsFollowTheLaws(t *testing.T) {
	for _, f := range sources(t) {
		for _, path := range f.imports() {
			imported, is := ours(path)
			if !is {
				continue
			}
			for _, law := range laws {
				free := f.room
				if law.imported == "" { // it forbids all but what it names
					free = imported
				}
				if covers(law.importer, f.room) && covers(law.imported, imported) && imported != f.room && !coversAny(law.unless, free) {
					t.Errorf("%s imports %s: %s", f.path, imported, law.why)
				}
			}
		}
	}
}

// covers says whether a folder holds a room; no folder holds all.
func covers(folder, room string) bool { return folder == "" || within(room, folder) }

func coversAny(folders []string, room string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool { return within(room, folder) })
}
