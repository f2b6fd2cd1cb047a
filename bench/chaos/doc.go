// Package chaos breaks servers under load and counts what clients lose.
//
// A fault is a value of that type: what is done to one of six simulated servers (or to all, or to the program itself),
// when it begins and ends, and the goals that must hold. Each contender, steelyard by one or more policies and its peers,
// stands before six servers of its own and gets the same seeded load, timed from the intended starts, while the fault is
// switched on and off. What is counted comes from three sides: what the clients got, what the servers themselves saw, and
// what the program says of itself. The goals are figures held to limits; report.Trial has both.
//
// Servers live in this process, but for those that are killed: they are processes of the same program (Serve).
// Everything is bounded in time and ends with Run. A run belongs to one goroutine; visits are written by the goroutines
// of the servers, under a mutex.
//
//	result, err := chaos.Run(ctx, chaos.Options{Contenders: list, Seed: 1, Server: []string{self, "bench", "server"}})
//
// Soak puts one program through random faults for as long as asked, and looks for what grows.
package chaos
