// Package week lets a week pass in virtual time: a daily season of requests, a server that becomes slow, a user who asks for
// far too much, and an outage of all servers. The balancer is the real one (bench/sim). What it does is shown to the very rooms
// that watch a gateway, by a clock of its own: alerts over the instruments, faults and their causes, the forecast, and the
// recommendations. So one sees within a minute what each of them has to say, and when, and a test can hold them to it:
// they say what the script gives reason for, and nothing else.
//
// Nothing is measured in real time and nothing is sent. Equal seeds give equal weeks.
//
//	err := week.Run(ctx, out, week.Options{Seed: 1})
package week
