// Counting the tokens of an answer as they pass.

package payload

import "bytes"

// Framing is how the parts of an answer are told apart.
type Framing uint8

const (
	OneBody   Framing = iota // they are not
	Events                   // server-sent events
	JSONLines                // one JSON object a line
)

// Tally counts the events of an answer as it passes, each of which is a token or a few of them,
// and keeps what the engine says in the end that they were. It looks at each byte once, allocates
// nothing, and keeps nothing of the answer but the last bytes of a piece. Its zero value is for a
// body without events; Begin is for the others.
type Tally struct {
	framing Framing
	field   [fieldBytes]byte // how the line under way begins
	n       uint8            // bytes of that; beyond fieldBytes they are no longer kept
	dull    bool             // the event under way is named, and is no token

	usage Usage
	edge  [edgeBytes]byte // the last bytes of the pieces before
	kept  uint8           // how many of them there are
}

// Usage is what an engine says that a request was, in tokens; zeros where it says nothing.
type Usage struct{ Prompt, Cached, Completion int }

// Begin makes it ready for an answer.
func (t *Tally) Begin(f Framing) { *t = Tally{framing: f} }

// Pass takes in a piece of the answer, and returns how many events began in it that may be tokens.
func (t *Tally) Pass(piece []byte) (events int) {
	if len(piece) == 0 {
		return 0
	}
	t.Look(piece)
	if t.framing == OneBody {
		return 0
	}
	for rest := piece; ; {
		line, more, ended := bytes.Cut(rest, newline)
		if t.begins(line, ended) {
			events++
		}
		if !ended {
			return events
		}
		t.n, rest = 0, more
	}
}

var newline = []byte{'\n'}

// fieldBytes is how much of a line tells what it is: enough for the name of any event that is no token.
const fieldBytes = 40

// begins takes in a part of a line, and reports whether by that it is clear that the line is an event which may be a token.
func (t *Tally) begins(part []byte, ended bool) bool {
	known := t.tells()
	if int(t.n) < fieldBytes {
		t.n += uint8(copy(t.field[t.n:], part))
	}
	if t.framing == Events && ended {
		t.name()
	}
	return !known && t.tells()
}

// tells reports whether enough of the line is there to say that it is an event which may be a token.
func (t *Tally) tells() bool {
	line := t.field[:t.n]
	if t.framing == JSONLines {
		return len(line) > 0 && line[0] == '{'
	}
	data, ok := bytes.CutPrefix(line, dataField)
	data = bytes.TrimLeft(data, " ")
	return ok && !t.dull && len(data) > 0 && data[0] != '[' && data[0] != '\r' // [DONE]
}

// name takes in a whole line, which may name the event.
func (t *Tally) name() {
	line := bytes.TrimRight(t.field[:t.n], "\r")
	if len(line) == 0 {
		t.dull = false // the event is over
		return
	}
	name, ok := bytes.CutPrefix(line, eventField)
	if !ok {
		return
	}
	switch string(bytes.TrimSpace(name)) {
	case "ping", "error", "message_start", "response.created", "response.queued", "response.in_progress":
		t.dull = true
	}
}

var dataField, eventField = []byte("data:"), []byte("event:")

// Usage returns what the engine has said so far. What it says last counts.
func (t *Tally) Usage() Usage { return t.usage }

// edgeBytes is how long a name and its number may be that lie across two pieces.
const edgeBytes = 64

// Look is Pass for whoever wants Usage only. It finds counts of tokens in a piece, and in what lies across it and the one before.
func (t *Tally) Look(piece []byte) {
	if t.kept > 0 {
		var across [2 * edgeBytes]byte
		n := copy(across[:], t.edge[:t.kept])
		n += copy(across[n:], piece[:min(len(piece), edgeBytes)])
		t.find(across[:n])
	}
	t.find(piece)
	if len(piece) >= edgeBytes {
		t.kept = uint8(copy(t.edge[:], piece[len(piece)-edgeBytes:]))
		return
	}
	keep := min(int(t.kept), edgeBytes-len(piece))
	copy(t.edge[:], t.edge[int(t.kept)-keep:t.kept])
	t.kept = uint8(keep + copy(t.edge[keep:], piece))
}

var tokensEnd, countEnd = []byte(`_tokens"`), []byte(`_count"`)

// find takes in the counts that stand whole in b. Texts of the answer look like none: a quote in
// them is escaped.
func (t *Tally) find(b []byte) {
	t.findAll(b, tokensEnd)
	if t.framing == JSONLines { // Ollama
		t.findAll(b, countEnd)
	}
}

func (t *Tally) findAll(b, end []byte) {
	for from := 0; ; {
		i := bytes.Index(b[from:], end)
		if i < 0 {
			return
		}
		last := from + i + len(end) - 1 // the quote
		from = last + 1
		first := bytes.LastIndexByte(b[:last], '"')
		if first < 0 {
			continue
		}
		if n, whole := number(b[from:]); whole {
			t.said(string(b[first+1:last]), n)
		}
	}
}

// said takes in one count.
func (t *Tally) said(name string, n int) {
	switch name {
	case "prompt_tokens", "input_tokens", "prompt_eval_count":
		t.usage.Prompt = n
	case "completion_tokens", "output_tokens", "generated_tokens", "eval_count":
		t.usage.Completion = n
	case "cached_tokens", "cache_read_input_tokens":
		t.usage.Cached = n
	}
}

// number reads the value of a member, from behind its name; whole only where more follows: else more digits may.
func number(b []byte) (n int, whole bool) {
	b = bytes.TrimLeft(b, " \t\r\n")
	if len(b) == 0 || b[0] != ':' {
		return 0, false
	}
	b = bytes.TrimLeft(b[1:], " \t\r\n")
	const most = 9 // digits
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9' && i < most:
			n = 10*n + int(c-'0')
		case c >= '0' && c <= '9':
			return 0, false
		default:
			return n, i > 0 && c != '.'
		}
	}
	return 0, false
}
