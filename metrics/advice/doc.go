// Package advice says what to change, and what that would be worth. It hears of every finished request, and knows what is
// configured and what traffic is foreseen. Out of that comes a closed list of recommendations:
//
//	capacity       an endpoint can do more or less than its capacity says
//	replicas       so many more, or fewer, are needed, from that time on
//	patience       users leave before most of them have an answer
//	retry_storm    requests are tried again, and make the load they suffer from
//	prompt_growth  prompts become longer, week by week
//	limits         slots that an engine does not have, or a queue that is too short
//	policy         requests differ so much that the shortest should go first
//
// Each has its evidence, how many requests that is from, an interval, what it would do to R, and an end; and each may answer
// that there is not enough data. Those that change capacity, slots, queue or replicas are served once more, from the recorded
// requests, with the change and without (Replay). What that gains is the figure that is told. Where the replay of what is
// configured does not come to the R that was measured, no figure is told, and nothing is advised.
//
// All is arithmetic: Add hears a request, Step thinks, and the time is that which the caller gives. What Step may ask of a
// Replay takes long, so it is done without the lock that Add takes.
//
//	a := advice.New(advice.Options{Replay: replay})
//	a.Configure(upstreams)
//	a.Add(&row) // each finished request
//	a.Step(now) // now and then
//	for _, one := range a.Advice() { ... }
package advice
