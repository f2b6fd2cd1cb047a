// The numbers that decisions go by, each with its evidence.

package dispatch

// Tuning is the numbers that decisions go by. Sizes are in units of the usual request.
type Tuning struct {
	// Long requests, and what is known of them.
	LongWork     float64 // a request of more than so many times the mean predicted work is long
	LongProof    float64 // those predicted to be long must have taken so many times the usual
	LongHorizon  int     // on average over the last so many of them
	LongKnown    int     // of which there must be so many
	MostHeldBack int     // as long as so many wait, a long one may do so beside a free slot
	FewestSlots  int64   // of fewer the last is not kept free

	// The usual request.
	UsualHorizon int     // its work is the mean over the last so many requests
	UsualKnown   int     // of which there must be so many
	MostUsual    float64 // one counts for so many times the mean at most

	// Slow slots.
	MuchFaster   float64 // a slot is slow where a request is done so many times as soon elsewhere, the wait included
	Stake        float64 // a request waits for so much of the time that it would gain
	MostPatient  int     // with so many ahead of it a request takes a slow slot
	MaxPatience  float64 // seconds; longer than anybody waits
	MostCompared int     // of more endpoints than so many none is compared with the others

	// The service time of an endpoint.
	ServiceHorizon int     // it is the mean over the last so many requests
	ServiceKnown   int     // of which there must be so many
	Overdue        float64 // where nothing ends for so many times as long as is usual, that is how fast it is
	StaleAfter     float64 // it is stale after so many times itself without a request
	StaleKeeps     int     // then the next one counts as if only so many had been before it, if it is faster
}

// Tuned is the numbers in use, with what was seen of them in bench/sim.
var Tuned = Tuning{
	// It costs some 1 % of the mean response time where work is exponential (1.8 % are long),
	// and gains 14 % where it is hyperexponential with cv² = 10.
	LongWork: 4,
	// Where predictions say nothing, a slot would be kept free for nothing.
	LongProof: 2, LongHorizon: 50, LongKnown: 10,
	// With more, too much of a slot would lie idle under a load that needs every slot.
	MostHeldBack: 2,
	// The last of two is too much of what there is.
	FewestSlots: 3,

	// One client must not move the mean by what it says of a single request.
	UsualHorizon: 200, UsualKnown: 20, MostUsual: 100,

	// The mean response time of endpoints 1 : 1 : 2 : 4 : 8 is 3 to 7 % less at first come,
	// first served, and 9 to 17 % with the shortest first, over loads of 0.4 to 0.92. In six
	// fleets it is nowhere more than 2 % more, but 4 % with eight slots at 0.92.
	MuchFaster: 3,
	// One that waits in vain has lost no more than this part of what it might have gained.
	Stake: 0.5,
	// All who are held back are looked at whenever a slot comes free.
	MostPatient: 16, MaxPatience: 1e9,
	// To compare more costs too much, and the slow slots of so many are a small part.
	MostCompared: 64,

	// Ten requests bring a cold start of 600 times the usual down to twice.
	ServiceHorizon: 50, ServiceKnown: 10,
	// An endpoint that hangs is waited for by two of a hundred requests.
	Overdue: 4,
	// An endpoint that was slow and has recovered is found out within minutes, after a few
	// requests; one that is as slow as it was has one or two in a minute for it.
	StaleAfter: 30, StaleKeeps: 2,
}
