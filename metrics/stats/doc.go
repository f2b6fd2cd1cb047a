// Package stats is arithmetic that several judges of endpoints and of traffic need: the middle of values, a part of a whole as
// an angle, how long something lasts where many are not seen to the end, and who of a fleet stands apart from the others. It knows nothing of what the numbers mean.
//
//	apart := stats.Apart(points, 4, 3) // [][3]float64, in standard deviations of each figure
package stats
