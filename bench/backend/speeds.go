package backend

// Discipline says how requests that are in at once share a server.
type Discipline uint8

const (
	// FirstCome serves as many requests as there are slots, each on a slot of its
	// own at Capacity/Slots, and lets the others wait, first come first served. It
	// is M/M/K for exponential work.
	FirstCome Discipline = iota
	// Sharing serves all requests at once: n of them at Capacity/max(n, Slots)
	// each. With one slot it is processor sharing; with more a request alone gets
	// no more than its slot's part, as a stream of a batching engine does.
	Sharing
)

// Speeds is how fast each of so many prompts is read and each of so many answers is
// decoded by a server that has just these in service, relative to a request that
// has the server for itself. It is all there is of the law by which requests slow
// each other, so that a simulation can go by the same.
func (o Options) Speeds(reading, decoding int) (prompt, decode float64) {
	switch {
	case o.Discipline == Sharing:
		slots := o.withDefaults().Slots
		share := float64(slots) / float64(max(reading+decoding, slots))
		return share, share
	case o.DecodeTokensPerSecond > 0:
		return 1 / float64(max(1, reading)), 1 / o.slowing(decoding)
	}
	return 1, 1
}

// speeds is Speeds of those in service now, at the speed that was set.
func (e *engine) speeds() (prompt, decode float64) {
	if e.hung {
		return 0, 0
	}
	reading := 0
	for _, j := range e.serving {
		if j.prompt > 0 {
			reading++
		}
	}
	prompt, decode = e.options.Speeds(reading, len(e.serving)-reading)
	return e.speed * prompt, e.speed * decode
}

// slowing is how many times longer a token takes in a batch of so many streams.
// The time of one step of decoding is affine in the batch: reading the weights
// costs the same for all streams, and each adds its own attention.
func (o Options) slowing(batch int) float64 {
	return 1 + o.DecodeSlowing*float64(max(0, batch-1))
}

// Sustains is how many requests per second a server of these options completes
// when it is never idle, where a request is one unit of work in the mean and has
// a prompt of so many tokens in the mean. It is Capacity for a server without
// token speeds.
//
// With them the server is a closed network of two stations, Slots requests going
// round between one that reads prompts, shared by all who are there, and one
// that decodes b streams at b/slowing(b) times the speed of one. Its throughput
// does not depend on how prompts and answers are spread about their means
// (Baskett, Chandy, Muntz and Palacios 1975), unless all are alike: then they may
// march in step, reading together and decoding together, and fewer are served.
func (o Options) Sustains(promptTokens float64) float64 {
	o = o.withDefaults()
	if o.DecodeTokensPerSecond == 0 {
		return o.Capacity
	}
	reading, decoding := 0.0, float64(o.UnitTokens)/o.DecodeTokensPerSecond // seconds of a request alone
	if o.PrefillTokensPerSecond > 0 {
		reading = promptTokens / o.PrefillTokensPerSecond
	}
	throughput := func(b int) float64 { return float64(b) / o.slowing(b) / decoding }
	if reading == 0 {
		return throughput(o.Slots)
	}
	// Birth and death of b, the streams being decoded.
	weight, sum, flow := 1.0, 1.0, 0.0
	for b := 1; b <= o.Slots; b++ {
		weight /= reading * throughput(b)
		if weight > 1e200 { // the sums with it, before it leaves the range of numbers
			sum, flow, weight = sum/weight, flow/weight, 1
		}
		sum += weight
		flow += weight * throughput(b)
	}
	return flow / sum
}
