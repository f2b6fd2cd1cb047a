// Asking another server for the rest of a text.

package payload

import (
	"bytes"
	"encoding/json"
	"strconv"
)

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
	c.pending = append(c.pending, piece...)
	end := wholeEvents(c.pending)
	c.out = c.out[:0]
	if c.resumed {
		c.spliceAll(c.pending[:end])
	} else {
		c.learnAll(c.pending[:end])
		c.out = append(c.out, c.pending[:end]...)
	}
	c.pending = append(c.pending[:0], c.pending[end:]...)
	if len(c.pending) > mostPending || bytes.Contains(c.pending, []byte("\r\r")) {
		c.over, c.through = true, true
		c.out = append(c.out, c.pending...)
		c.pending = nil
	}
	return c.out
}

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

// Rest returns the body of a request for the rest of the text that was asked for by this body,
// or false where it cannot be asked for. From then on Pass takes what the other server says.
//
// Of a chat it says that the answer has begun so, and is to be continued
// (continue_final_message, as vLLM and SGLang have it); of a text, that the prompt is longer.
func (c *Continuation) Rest(body []byte) (rest []byte, ok bool) {
	if c.over || c.through {
		return nil, false
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil || fields == nil || !plainText(fields) || !c.lessTokens(fields) {
		return nil, false
	}
	if c.tokens > 0 {
		add := c.addPrompt
		if c.chat {
			add = c.addMessage
		}
		if !add(fields) {
			return nil, false
		}
	}
	rest, err := json.Marshal(fields)
	if err != nil {
		return nil, false
	}
	c.pending = c.pending[:0] // half an event, which its client has not got
	c.resumed, c.begun, c.before = true, c.id != nil, c.tokens
	return rest, true
}

// plainText says whether what is asked for is plain text of one choice.
func plainText(fields map[string]json.RawMessage) bool {
	for _, name := range []string{
		"response_format", "logprobs", "top_logprobs", "echo", "suffix", "continue_final_message", "add_generation_prompt", "prompt_embeds",
		"guided_json", "guided_regex", "guided_choice", "guided_grammar", "structured_outputs", "regex", "ebnf", "json_schema", "use_beam_search",
	} {
		switch string(fields[name]) {
		case "", "null", "false", "0", `{"type":"text"}`:
		default:
			return false
		}
	}
	for _, name := range []string{"n", "best_of"} {
		switch string(fields[name]) {
		case "", "null", "1":
		default:
			return false
		}
	}
	return true
}

// lessTokens lowers the limits by what was said already. It reports false where nothing is left.
func (c *Continuation) lessTokens(fields map[string]json.RawMessage) bool {
	for _, name := range []string{"max_tokens", "max_completion_tokens", "min_tokens"} {
		limit := whole(bytes.TrimSpace(fields[name]))
		if limit == 0 {
			continue
		}
		left := int(limit) - c.tokens
		if name == "min_tokens" {
			left = max(left, 0)
		} else if left <= 0 {
			return false
		}
		fields[name] = strconv.AppendInt(nil, int64(left), 10)
	}
	return true
}

// addMessage makes the answer so far the last message, to be continued.
func (c *Continuation) addMessage(fields map[string]json.RawMessage) bool {
	var messages []json.RawMessage
	if json.Unmarshal(fields["messages"], &messages) != nil || len(messages) == 0 {
		return false
	}
	said := append([]byte(`{"role":"assistant","content":"`), c.text...)
	list, err := json.Marshal(append(messages, append(said, `"}`...)))
	fields["messages"] = list
	fields["continue_final_message"], fields["add_generation_prompt"] = json.RawMessage("true"), json.RawMessage("false")
	return err == nil
}

// addPrompt puts the text so far behind the prompt, which must be a text itself.
func (c *Continuation) addPrompt(fields map[string]json.RawMessage) bool {
	prompt := bytes.TrimSpace(fields["prompt"])
	if len(prompt) < 2 || prompt[0] != '"' {
		return false
	}
	longer := append(bytes.Clone(prompt[:len(prompt)-1]), c.text...)
	fields["prompt"] = append(longer, '"')
	return true
}

// spliceAll puts whole events of the other server together so that they go on with the stream.
func (c *Continuation) spliceAll(events []byte) {
	for line := range bytes.Lines(events) {
		data, ok := dataOf(line)
		if !ok || len(data) == 0 || data[0] != '{' {
			c.out = append(c.out, line...)
			continue
		}
		if spliced, ok := c.splice(data); ok {
			c.out = append(append(append(c.out, "data: "...), spliced...), '\n')
		} else {
			c.out = append(c.out, ": resumed\n"...) // a comment in place of an event that would say again how the answer begins
		}
		if !c.over {
			c.learn(data)
		}
	}
}

// splice returns the data of an event as the first server would have said it; or false where it
// says nothing but that an answer begins.
func (c *Continuation) splice(data []byte) ([]byte, bool) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil || fields["error"] != nil {
		return data, true
	}
	for name, first := range map[string][]byte{"id": c.id, "created": c.created} {
		if first != nil && fields[name] != nil {
			fields[name] = first
		}
	}
	says := c.withoutRole(fields)
	c.addUsage(fields)
	spliced, err := json.Marshal(fields)
	if err != nil {
		return data, true
	}
	return spliced, says
}

// withoutRole takes the role out of a delta, and reports whether the event says anything else.
func (c *Continuation) withoutRole(fields map[string]json.RawMessage) bool {
	var choices []map[string]json.RawMessage
	if !c.chat || !c.begun || json.Unmarshal(fields["choices"], &choices) != nil || len(choices) != 1 {
		return true
	}
	var delta map[string]json.RawMessage
	if json.Unmarshal(choices[0]["delta"], &delta) != nil || delta["role"] == nil {
		return true
	}
	delete(delta, "role")
	text, err := json.Marshal(delta)
	if err != nil {
		return true
	}
	choices[0]["delta"] = text
	if fields["choices"], err = json.Marshal(choices); err != nil {
		return true
	}
	content := string(delta["content"])
	begins := len(delta) == 0 || len(delta) == 1 && (content == `""` || content == "null")
	reason := string(choices[0]["finish_reason"])
	return !begins || reason != "" && reason != "null"
}

// addUsage counts what the first server said as said, and not as read. Where an event of its
// had several tokens that is too few.
func (c *Continuation) addUsage(fields map[string]json.RawMessage) {
	var usage map[string]json.RawMessage
	if json.Unmarshal(fields["usage"], &usage) != nil || usage == nil {
		return
	}
	read, said := whole(usage["prompt_tokens"]), whole(usage["completion_tokens"])
	before := min(int32(c.before), read)
	usage["prompt_tokens"] = strconv.AppendInt(nil, int64(read-before), 10)
	usage["completion_tokens"] = strconv.AppendInt(nil, int64(said+before), 10)
	if text, err := json.Marshal(usage); err == nil {
		fields["usage"] = text
	}
}
