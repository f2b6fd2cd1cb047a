// Notes on what is valid but probably not meant.

package configs

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Note is one kind of thing that is not wrong but probably not meant either: a setting without effect, or variables
// that are not keys.
type Note struct {
	Kind string    // the key without indexes, "upstreams[].capacity_scale"; "" for the environment
	List []Problem // each place where it was found, in the order of the file; never empty
}

// String prints the first place, and how many more there are, on one line.
func (n Note) String() string {
	text := n.List[0].String()
	if more := len(n.List) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more of this kind; see steelyard check)", more)
	}
	return text
}

// Examine is Load with notes on what was accepted.
func Examine(path string, env []string) (*Config, []Note, error) {
	data, err := readText(path)
	if err != nil {
		r := newReport(path)
		r.addAt(place{}, "", fileRemedy(err), "cannot be read: %s", fileCause(err))
		return nil, nil, r.err()
	}
	r := newReport(path)
	cfg, err := r.parse(data, env)
	if err != nil {
		return nil, nil, err
	}
	r.review(cfg)
	return cfg, r.sortedNotes(), nil
}

// note adds a note on the value at p.
func (r *report) note(p path, remedy, format string, args ...any) {
	r.noteAt(r.places.of(p), p, remedy, format, args...)
}

func (r *report) noteAt(at place, p path, remedy, format string, args ...any) {
	r.notes = append(r.notes, finding{at, r.problem(at, p, remedy, format, args...)})
}

var indexes = regexp.MustCompile(`\[\d+\]`)

// sortedNotes gathers the notes by kind.
func (r *report) sortedNotes() (list []Note) {
	sortFindings(r.notes)
	for _, found := range r.notes {
		kind := indexes.ReplaceAllString(found.problem.Key, "[]")
		i := slices.IndexFunc(list, func(n Note) bool { return n.Kind == kind })
		if i < 0 {
			i, list = len(list), append(list, Note{Kind: kind})
		}
		list[i].List = append(list[i].List, found.problem)
	}
	return list
}

// noteStrangers names all variables that are not keys in one note: images and orchestrators set some of their own.
func (r *report) noteStrangers(names []string, known []variable) {
	if len(names) == 0 {
		return
	}
	const most = 10
	slices.Sort(names)
	keys := make([]string, len(known))
	for i := range known {
		keys[i] = strings.TrimPrefix(known[i].name, envPrefix)
	}
	var told []string
	for i, name := range names {
		if i == most {
			told = append(told, fmt.Sprintf("… and %d more", len(names)-most))
			break
		}
		text := plain(name)
		if near := nearest(strings.TrimPrefix(name, envPrefix), keys); near != "" {
			text += " (did you mean " + envPrefix + near + "?)"
		}
		told = append(told, text)
	}
	r.noteAt(place{variable: "environment"}, "", "the variable of a key is named as STEELYARD_LOG_LEVEL is after log.level",
		"unknown variables have no effect: %s", strings.Join(told, ", "))
}
