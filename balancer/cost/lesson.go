// What one gateway has learned of an upstream's requests, for another that has seen none.

package cost

// Lesson is what is known of the requests of one upstream.
type Lesson struct {
	Answers float64 `json:"answers"` // that it was learned from, of the last ones
	Events  float64 `json:"events"`  // of an answer
	Packed  float64 `json:"packed"`  // tokens of an event
	Bytes   float64 `json:"bytes"`   // of a token of prompts
	Work    float64 `json:"work"`    // of reading a prompt, in tokens
	Context float64 `json:"context"` // tokens that a request has held in the end
}

// mostContext is more tokens than any request holds.
const mostContext = 100_000_000

// possible says whether a lesson can be true.
func (l *Lesson) possible() bool {
	within := func(x, least, most float64) bool { return x >= least && x <= most }
	return within(l.Answers, averageKnown, answersKept) && within(l.Events, 0, mostAnswer) && within(l.Packed, 1, mostPacked) &&
		within(l.Bytes, fewestBytes, mostBytes) && within(l.Work, 0, mostContext) && within(l.Context, 0, mostContext)
}

// Lesson returns what is known here, and whether it is enough to tell.
func (u *Upstream) Lesson() (l Lesson, known bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	l = Lesson{u.answers.count, u.answers.value, u.packed.value, u.prompts.value(), u.usual.work.value, u.usual.context.value}
	return l, l.possible()
}

// Hear takes over the mean of what others know, by their answers, where nothing was seen here: it stands in place of what holds before
// the first request, and counts as little as that.
func (u *Upstream) Hear(lessons []Lesson) {
	var mean Lesson
	for i := range lessons {
		l := &lessons[i]
		if !l.possible() {
			continue
		}
		mean.Answers += l.Answers
		part := l.Answers / mean.Answers
		mean.Events += part * (l.Events - mean.Events)
		mean.Packed += part * (l.Packed - mean.Packed)
		mean.Bytes += part * (l.Bytes - mean.Bytes)
		mean.Work += part * (l.Work - mean.Work)
		mean.Context += part * (l.Context - mean.Context)
	}
	if mean.Answers == 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for a, value := range map[*average]float64{&u.answers: mean.Events, &u.packed: mean.Packed, &u.usual.work: mean.Work, &u.usual.context: mean.Context} {
		if a.count == 0 {
			a.value = value
		}
	}
	if u.answers.count == 0 {
		u.prompts = ratio{over: mean.Bytes * promptsKnown, under: promptsKnown}
	}
}
