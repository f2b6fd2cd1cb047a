// Package stats is arithmetic that several judges of endpoints and of traffic need: the middle of values, a part of a whole as
// an angle, how long something lasts where many are not seen to the end, who of a fleet stands apart from the others, and one of
// several where there are more than are needed. It knows nothing of what the numbers mean.
//
//	apart := stats.Apart(points, 4, 3) // [][3]float64, in standard deviations of each figure
package stats
