// Package autoscale says how many servers an upstream needs, and asks whoever runs them for that many. The arithmetic
// has no clock, no file and no goroutine of its own: samples in, decisions out, so that a bench runs days in seconds.
//
// All work is in the unit of capacity × seconds: a replica of capacity 100 does 100 of it in a second. A Sample says
// what comes, what waits and what there is. NaN is "not known", which is another thing than 0: what is not known never
// takes a server away.
//
//	c := autoscale.New(autoscale.Settings{Min: 1, Max: 8, Capacity: 100, Slots: 8})
//	d := c.Step(time.Now(), autoscale.Sample{Ready: 2, Arriving: 150, Waiting: 0, InFlight: 12, Slots: 16})
//	d.Wanted, d.Reason // 3, "2 → 3: 1.5 servers' worth of work arrives, and a server shall be 70 % busy"
//
// An Actuator is who runs the replicas: a leaf each for processes, containers and so on. It is asked for absolute
// numbers, so that asking twice does nothing more.
package autoscale
