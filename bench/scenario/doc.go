// Package scenario says what the bench runs: which endpoints, which load, which contenders.
//
// A scenario is a YAML file. Those of this folder are part of the program and have a name; anybody's own is read from
// a path. Decoding is strict: a key, a policy or a name that is not known is an error of one line that tells the place
// and the nearest known one, and so is a number that cannot be meant. The
// bench's README.md has every key.
//
// The package is plain data. Engines and traces are those of bench/engine and bench/trace, which check their own
// options. It knows no policy's code and starts nothing: who runs a scenario passes the names of the policies there
// are. A Scenario belongs to whoever loaded it, and is not changed after.
//
//	s, err := scenario.Load("peers", policy.Names())
//	s, err := scenario.Load("./mine.yaml", policy.Names())
//	if err := s.Carried(); err != nil { ... }   // a load the endpoints cannot carry, in figures
package scenario
