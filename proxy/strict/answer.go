// The head of an endpoint's answer.

package strict

// Answer is the head of one answer of an endpoint, parsed in place.
type Answer struct {
	message
	Status int
	Reason []byte // the reason phrase, which may be empty
}

// errBadStatusLine is one error of Parse; the others are refusals of fields.
const errBadStatusLine = malformed("the status line is not HTTP/1.x SP 3 digits SP reason")

// Parse reads a whole head, blank line included. It removes white space before a
// colon, as RFC 9112 5.1 asks of a proxy. Everything else that is ambiguous is an
// error, which the client gets as a 502.
func (a *Answer) Parse(head []byte) error {
	a.reset()
	a.Status, a.Reason = 0, nil
	line, rest, ok := cutLine(head)
	if !ok {
		return BadLineEnd
	}
	if err := a.statusLine(line); err != nil {
		return err
	}
	if refusal := a.fields(rest, true, func(*Field) *Refusal { return nil }); refusal != nil {
		return refusal
	}
	return nil
}

func (a *Answer) statusLine(line []byte) error {
	if len(line) < 12 || string(line[:7]) != "HTTP/1." || !isDigit(line[7]) || line[8] != ' ' {
		return errBadStatusLine
	}
	if line[7] != '0' {
		a.Minor = 1
	}
	if a.Status = int(number(line[9:12])); a.Status < 100 || a.Status > 599 {
		return errBadStatusLine
	}
	if len(line) > 12 {
		if line[12] != ' ' || !visible(line[13:]) {
			return errBadStatusLine
		}
		a.Reason = line[13:]
	}
	return nil
}

// NoBody says whether an answer of this status never has a body, whatever its
// fields say (RFC 9112 6.3).
func (a *Answer) NoBody() bool {
	return a.Status < 200 || a.Status == 204 || a.Status == 304
}
