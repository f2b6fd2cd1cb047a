// Following a stream of text, so that it can go on elsewhere.

package payload

import "bytes"

// Continuation follows a stream of OpenAI's chat or text completions, so that another server
// can be asked for the rest when the first one breaks off, and what that one says can be put
// behind what the client has. It is for one goroutine.
//
// Only plain text of one choice is continued. What the model thinks, calls or refuses, its log
// probabilities and texts that must follow a grammar are not: no server takes them up in the
// middle.
type Continuation struct {
	chat    bool
	text    []byte // what was said, as it stands between the quotes of a JSON string
	tokens  int    // events that said something: most servers send one for each token
	before  int    // those of them that came from servers before this one
	asked   []byte // the body of the client's own request; nil before Rest
	begun   bool   // an earlier server has said how the answer begins
	id      []byte // of the stream, as JSON
	created []byte // the same
	pending []byte // the beginning of an event
	out     []byte // events put together by Pass
	resumed bool   // the stream comes from another server now
	over    bool   // the text has come to its end, or it cannot be continued
	through bool   // nothing is looked at any more
}

// mostPending is how long an event may be that is looked at, and mostText how long a text that
// is continued.
const (
	mostPending = 1 << 20
	mostText    = 1 << 20
)

// Follow returns what follows an event stream that answers a request to this path; nil where it
// is none of those that can be continued.
func Follow(path []byte) *Continuation {
	switch {
	case bytes.HasSuffix(path, []byte("/chat/completions")):
		return &Continuation{chat: true}
	case bytes.HasSuffix(path, []byte("/completions")):
		return &Continuation{}
	}
	return nil
}

// Pass takes a piece of the stream and returns what the client is to get now: whole events
// only, so that a stream that breaks off never leaves half an event behind. What is returned
// is valid until the next call.
func (c *Continuation) Pass(piece []byte) []byte {
	if c.through {
		return piece
	}
	if len(c.pending) == 0 && !c.resumed && wholeEvents(piece) == len(piece) {
		c.learnAll(piece)
		return piece
	}
	from := max(0, len(c.pending)-len("\n\r")) // what lies before was looked at
	c.pending = append(c.pending, piece...)
	end := wholeEvents(c.pending[from:])
	if end > 0 {
		end += from
	}
	c.out = c.out[:0]
	if c.resumed {
		c.spliceAll(c.pending[:end])
	} else {
		c.learnAll(c.pending[:end])
		c.out = append(c.out, c.pending[:end]...)
	}
	c.pending = append(c.pending[:0], c.pending[end:]...)
	if len(c.pending) > mostPending || bytes.Contains(c.pending[max(0, from-end):], []byte("\r\r")) {
		c.over, c.through = true, true
		c.out = append(c.out, c.pending...)
		c.pending, c.text = nil, nil
	}
	return c.out
}

// Kept is how many bytes are kept of the stream and of the request.
func (c *Continuation) Kept() int64 {
	return int64(cap(c.text) + cap(c.pending) + cap(c.out) + cap(c.asked))
}

// GiveUp forgets the text: the stream is passed on, and cannot be continued any more.
func (c *Continuation) GiveUp() { c.over, c.text = true, nil }

// Left returns the beginning of an event that Pass has kept back, for a stream that has ended
// with it.
func (c *Continuation) Left() []byte { return c.pending }

// wholeEvents returns where the last whole event ends: behind an empty line; 0 if there is none.
func wholeEvents(b []byte) (end int) {
	if i := bytes.LastIndex(b, []byte("\n\n")); i >= 0 {
		end = i + 2
	}
	if i := bytes.LastIndex(b, []byte("\n\r\n")); i >= 0 {
		end = max(end, i+3)
	}
	return end
}

// learnAll takes in whole events.
func (c *Continuation) learnAll(events []byte) {
	for line := range bytes.Lines(events) {
		if data, ok := dataOf(line); ok && !c.over {
			c.learn(data)
		}
	}
}

// dataOf is what a line of an event carries. Servers of completions write each event's data in
// one line; where one did not, the data would be no JSON, and the text would not be continued.
func dataOf(line []byte) (data []byte, ok bool) {
	data, ok = bytes.CutPrefix(line, []byte("data:"))
	return bytes.TrimSpace(data), ok
}

// learn takes in the data of one event. It allocates for the text alone.
func (c *Continuation) learn(data []byte) {
	s := scanner{body: data}
	if s.space() != '{' { // [DONE], or nothing that is known
		c.over = true
		return
	}
	s.at++
	for first := true; ; first = false {
		name, more := s.member(first)
		if !more {
			break
		}
		switch string(name) {
		case "id":
			c.keep(&c.id, &s)
		case "created":
			c.keep(&c.created, &s)
		case "choices":
			c.choices(&s)
		case "error":
			c.over = true
			return
		default:
			s.skip()
		}
	}
	if s.broken || len(c.text) > mostText {
		c.over = true
	}
	if c.over {
		c.text = nil // nobody will ask for it
	}
}

// keep copies the next value, if it is the first of its name.
func (c *Continuation) keep(to *[]byte, s *scanner) {
	s.space()
	begin := s.at
	s.skip()
	if *to == nil && !s.broken {
		*to = bytes.Clone(s.body[begin:s.at])
	}
}

// choices reads the list of choices, which has one, or none in an event that counts tokens.
func (c *Continuation) choices(s *scanner) {
	if s.space() != '[' {
		s.skip()
		return
	}
	s.at++
	if s.space() == ']' {
		s.at++
		return
	}
	c.choice(s)
	if s.space() != ']' {
		c.over = true // several
		s.fail()
		return
	}
	s.at++
}

func (c *Continuation) choice(s *scanner) {
	if s.space() != '{' {
		s.fail()
		return
	}
	s.at++
	for first := true; ; first = false {
		name, more := s.member(first)
		if !more {
			return
		}
		switch string(name) {
		case "delta":
			c.delta(s)
		case "text":
			c.add(s)
		case "finish_reason", "logprobs":
			c.endUnlessNull(s)
		case "index":
			if n, ok := s.scalarOrSkip(); ok && string(n) != "0" {
				c.over = true
			}
		default:
			s.skip()
		}
	}
}

func (c *Continuation) delta(s *scanner) {
	if s.space() != '{' {
		s.skip()
		return
	}
	s.at++
	for first := true; ; first = false {
		name, more := s.member(first)
		if !more {
			return
		}
		switch string(name) {
		case "content":
			c.add(s)
		case "role":
			s.skip()
		default: // what it thinks, calls, refuses …
			c.endUnlessNull(s)
		}
	}
}

// add takes in a piece of the text, or null.
func (c *Continuation) add(s *scanner) {
	if s.space() != '"' {
		c.endUnlessNull(s)
		return
	}
	if piece := s.text(); !s.broken && len(piece) > 0 {
		c.text = append(c.text, piece...)
		c.tokens++
	}
}

// endUnlessNull skips a value which, unless it says nothing, means that the text is not to be
// continued.
func (c *Continuation) endUnlessNull(s *scanner) {
	s.space()
	begin := s.at
	s.skip()
	switch string(s.body[begin:s.at]) {
	case "null", `""`, "[]", "{}":
	default:
		c.over = true
	}
}
