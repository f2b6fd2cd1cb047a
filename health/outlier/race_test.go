//go:build race

package outlier

// raceEnabled says that the race detector slows everything down tenfold.
const raceEnabled = true
