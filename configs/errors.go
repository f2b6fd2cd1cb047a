// Problems of a configuration: gathering and printing them.

package configs

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	Place  string // "gateway.yaml:12", "gateway.yaml" or the name of an environment variable
	Key    string // "upstreams[0].endpoints[1].capacity"; "" when the file as a whole is meant
	What   string // "must be > 0, is -3"
	Remedy string // what to do about it
}

// String prints the problem on one line.
func (p Problem) String() string {
	parts := slices.DeleteFunc([]string{p.Place, p.Key, p.What, p.Remedy}, func(part string) bool { return part == "" })
	return strings.Join(parts, ": ")
}

// Errors is every problem of one configuration, in the order of the file, those of the environment last. It is the
// only type of error that Load and Parse return.
type Errors struct{ List []Problem }

// Error prints one line for each problem.
func (e *Errors) Error() string {
	lines := make([]string, len(e.List))
	for i, problem := range e.List {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// report gathers the problems of one load. It belongs to that load's goroutine.
type report struct {
	file     string
	places   places
	broken   map[path]bool // refused by the reader: nothing more is said about it and its parts
	excused  map[path]bool // a misspelt key probably meant this one, so it is not reported as missing
	findings []finding
	notes    []finding // on settings that are accepted

	interfaces func() ([]net.Addr, error) // the addresses of this machine
}

type finding struct {
	at      place
	problem Problem
}

func newReport(file string) *report {
	return &report{
		file: file, places: places{"": {line: 1}}, broken: map[path]bool{}, excused: map[path]bool{},
		interfaces: net.InterfaceAddrs,
	}
}

// add reports a problem with the value at p, unless p or something around it was refused already.
func (r *report) add(p path, remedy, format string, args ...any) {
	for around := p; around != ""; around = around.parent() {
		if r.broken[around] {
			return
		}
	}
	r.addAt(r.places.of(p), p, remedy, format, args...)
}

// refuse reports a value that cannot be read at all; nothing more is reported about it or its parts.
func (r *report) refuse(p path, remedy, format string, args ...any) {
	r.add(p, remedy, format, args...)
	r.broken[p] = true
}

// missing reports that p has to have a value.
func (r *report) missing(p path, remedy string) {
	switch {
	case r.places.given(p):
		r.add(p, remedy, "is empty")
	case !r.excused[p]:
		r.add(p, remedy, "is missing")
	}
}

func (r *report) addAt(at place, p path, remedy, format string, args ...any) {
	r.findings = append(r.findings, finding{at, r.problem(at, p, remedy, format, args...)})
}

func (r *report) problem(at place, p path, remedy, format string, args ...any) Problem {
	name := r.file
	switch {
	case at.variable != "":
		name = at.variable
	case at.line > 0:
		name += ":" + strconv.Itoa(at.line)
	}
	return Problem{Place: name, Key: string(p), What: fmt.Sprintf(format, args...), Remedy: remedy}
}

// err is nil or *Errors.
func (r *report) err() error {
	if len(r.findings) == 0 {
		return nil
	}
	sortFindings(r.findings)
	list := make([]Problem, len(r.findings))
	for i, found := range r.findings {
		list[i] = found.problem
	}
	return &Errors{List: list}
}

func sortFindings(list []finding) {
	slices.SortStableFunc(list, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.at.variable, b.at.variable), cmp.Compare(a.at.line, b.at.line))
	})
}

// quote prints foreign text on one line of bounded length.
func quote(text string) string { return strconv.Quote(shorten(text)) }

func shorten(text string) string {
	const most = 80
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// plain prints a key as it is if it is plain in a path, and in quotes otherwise.
func plain(key string) string {
	if key == "" || len(key) > 80 || strings.ContainsFunc(key, notInWord) {
		return quote(key)
	}
	return key
}

// notInWord matches all but ASCII letters, digits, "_" and "-".
func notInWord(c rune) bool {
	return c > unicode.MaxASCII || !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '_' && c != '-'
}
