// What an engine says of its load with an answer.

package proxy

import (
	"bytes"

	"github.com/steelyard-proxy/steelyard/proxy/strict"
)

// Signals hears what an engine says of its load with its answers.
type Signals interface {
	// Due reports whether the next request shall ask for it.
	Due() bool
	// Tell is given the value of the answer's field. It must not keep it.
	Tell(value []byte)
}

// The fields of ORCA: what asks, and what answers.
var askLoadField, loadField = []byte("endpoint-load-metrics-format"), []byte("endpoint-load-metrics")

// Hear makes s hear the answers to requests that begin from now on; nil: nobody does.
func (t *Target) Hear(s Signals) {
	if s == nil {
		t.signals.Store(nil)
		return
	}
	t.signals.Store(&s)
}

// askLoad adds the field that asks for the load, when it is due. A client that asks itself gets the
// answer itself.
func (a *attempt) askLoad(b []byte) []byte {
	a.asksLoad = false
	s := a.target.signals.Load()
	if s == nil || hasField(a.x.conn.Request.Fields, askLoadField) || !(*s).Due() {
		return b
	}
	a.asksLoad = true
	return append(append(b, askLoadField...), ": TEXT\r\n"...)
}

// hearLoad passes on what the answer says of the load, if it was asked for.
func (a *attempt) hearLoad() {
	s := a.target.signals.Load()
	if s == nil || !a.asksLoad {
		return
	}
	for i := range a.answer.Fields {
		if f := &a.answer.Fields[i]; bytes.EqualFold(f.Name, loadField) {
			(*s).Tell(f.Value)
			return
		}
	}
}

func hasField(fields []strict.Field, name []byte) bool {
	for i := range fields {
		if bytes.EqualFold(fields[i].Name, name) {
			return true
		}
	}
	return false
}
