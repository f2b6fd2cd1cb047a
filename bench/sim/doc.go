// Package sim serves a trace in virtual time: engines as a model, balancers as the real
// balancer.Pool with its policy and its queue. A million requests take seconds, and one
// run is like the next, so what a policy gains can be told from noise.
//
// The engines are those of bench/engine, which bench/backend puts behind sockets.
//
// There is one goroutine, one clock and one agenda. After each release those who wait are asked
// whether they were bound. max_wait, ageing and holding back go by the virtual clock, through
// balancer.Options.Now. Work is predicted by Options.Work, or learned by each balancer with a
// predict.Predictor. What is not simulated: the network, the balancer's own time, and clients that
// leave.
//
// A trace of real inference work needs engines of a Kind. Balancers then see of each request what a gateway would: the bytes
// of its prompt, the blocks of it, each token, and at the end what the engine counted. A Follower is a policy that exists in
// simulations only, and hears more: which of its requests went where, and what engines say of themselves.
//
// CentralQueue is the ideal that late binding aims at, in code of its own. Scale measures
// what a pick costs in real time and how exact the shares are, for fleets of any size.
//
//	t, err := trace.New(trace.Options{Seed: 1, Requests: 200_000, Rate: 150})
//	results, err := sim.Run(sim.Options{
//		Endpoints: []sim.Endpoint{
//			{Engine: engine.Options{Capacity: 50}, Limit: 1}, {Engine: engine.Options{Capacity: 100}, Limit: 1},
//		},
//		Policy:    policy.LeastLoad(),
//		Queue:     balancer.QueueOptions{MaxRequests: 1000, MaxWait: 30 * time.Second},
//	}, t)
//	fmt.Println(results.Mean(), results.Counts())
package sim
