//go:build race

package predict

// raceEnabled says that the race detector slows everything down tenfold.
const raceEnabled = true
