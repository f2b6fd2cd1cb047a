// Asking another server for the rest of a text, and putting it behind what was said.

package payload

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// Rest returns the body of a request for the rest of the text that was asked for by this body,
// or false where it cannot be asked for. If Rest is called again, since the other server broke
// off too, the first body counts. From then on Pass takes what the other server says.
//
// Of a chat it says that the answer has begun so, and is to be continued
// (continue_final_message, as vLLM and SGLang have it); of a text, that the prompt is longer.
func (c *Continuation) Rest(body []byte) (rest []byte, ok bool) {
	if c.over || c.through {
		return nil, false
	}
	if c.asked == nil {
		c.asked = bytes.Clone(body)
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(c.asked, &fields) != nil || fields == nil || !plainText(fields) || !c.lessTokens(fields) {
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
	c.resumed, c.begun, c.before = true, c.begun || c.id != nil || c.tokens > 0, c.tokens
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
