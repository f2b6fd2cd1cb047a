// Package house holds the rules of the house: which package may import which, and why, and how a file may look. It has
// no code besides its tests, so nothing can import it.
//
//	go test ./bench/house        a second or two; part of `make check`
//
// rooms_test.go is the plan of the house, one row for each package; modules_test.go says which rooms may use which
// library. A package or a library that has no row fails, with what to do about it. The same laws stand in
// .golangci.yml for those whose editor runs the linter; these tests are what counts.
//
// The files are parsed, not built, so that what is behind a build tag for another system is held to the rules too.
//
// The rest holds what is written to what is: the reference of keys to the configuration's schema and defaults, the pages'
// tables of errors, requests and metrics to the code, the Makefile's targets to the help they print, links to files and
// headings. Tables of other rooms are held by the tests of those.
package house
