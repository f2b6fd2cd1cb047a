// Package live measures, through sockets, how real inference work is served by nginx, HAProxy and steelyard, each before
// engines of its own that batch, fill their memory and remember prompts.
//
// A Case is work on engines at a load. Load 1 is what the engines finish of the work when none is ever idle. All
// contenders get the same requests at the same times, whatever became of those before, one contender after the other, since a
// run takes what the machine has. Time runs faster than the clock: engines, arrivals and what the proxies know of seconds
// are sped up by one number, and what is told is in the time of the engines. Beside what was measured stands the same in
// virtual time, by the policies' own code. The first tenth of the requests is not counted.
//
//	result, err := live.Run(ctx, live.Options{Programs: programs})
package live
