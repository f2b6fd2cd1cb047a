// Requests in order of sending.

package cost

// Visit is one request at a server, from Send to End. Whoever sends it holds it and never looks
// inside. The lock of its server guards it in between.
type Visit struct {
	upstream *Upstream
	at       stage
	alone    bool // nobody else was being read when it was sent
	silent   bool // it will show no first token
	bytes    int64
	context  int64   // tokens that it holds: of its prompt, and those that have come
	work     int64   // of reading its prompt
	events   int64   // that have come
	expected float64 // work a second that the server was expected to read, before any was measured
	sent     float64
	seen     float64 // when the last event came
	deaf     float64 // until when events are not measured, since they had piled up
	read     float64 // when a silent one is taken for read
	links    [lines]link
}

// stage is how far a visit is.
type stage uint8

const (
	nowhere stage = iota
	reading
	writing
)

// The lines that a visit may stand in.
const (
	inOrder  = iota // all that are being read
	inSilent        // those of them that will show no first token
	lines
)

type link struct{ before, after *Visit }

// line is visits in order of sending.
type line struct {
	which       int
	first, last *Visit
	length      int
}

func (l *line) add(v *Visit) {
	v.links[l.which] = link{before: l.last}
	if l.last == nil {
		l.first = v
	} else {
		l.last.links[l.which].after = v
	}
	l.last = v
	l.length++
}

func (l *line) remove(v *Visit) {
	at := v.links[l.which]
	if at.before == nil {
		l.first = at.after
	} else {
		at.before.links[l.which].after = at.after
	}
	if at.after == nil {
		l.last = at.before
	} else {
		at.after.links[l.which].before = at.before
	}
	v.links[l.which] = link{}
	l.length--
}
