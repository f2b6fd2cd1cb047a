//go:build race

package app_test

// raceEnabled says that the race detector slows everything down tenfold.
const raceEnabled = true
