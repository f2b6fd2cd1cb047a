// Telling the client why its endpoint was chosen, where that is asked for.

package proxy

import (
	"strconv"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// pickField is a structured field (RFC 9651): the endpoint's name, with what spoke for it.
var pickField = []byte("X-Steelyard-Pick")

// explain has the balancer tell why it chooses, for one attempt.
func (x *exchange) explain(r *balancer.Request, why *balancer.Choice) {
	if r.Why = nil; x.upstream.PickHeader {
		*why, r.Why = balancer.Choice{}, why
	}
}

// appendPick says which endpoint the answer is from, and why that was chosen: the parts of its cost in
// milliseconds, where the policy goes by cost, or else what it had in flight and its capacity.
func (a *attempt) appendPick(b []byte) []byte {
	b = append(append(b, pickField...), ": "...)
	b = appendQuoted(b, a.target.Name)
	w := &a.why
	if w.ByCost {
		b = appendFigure(b, ";cost_ms=", w.Cost()*1e3)
		b = appendFigure(b, ";waiting_ms=", w.Waiting*1e3)
		b = appendFigure(b, ";reading_ms=", w.Reading*1e3)
		b = appendFigure(b, ";stalls_ms=", w.Stalls*1e3)
		b = appendFigure(b, ";writing_ms=", w.Writing*1e3)
	}
	b = append(b, ";in_flight="...)
	b = strconv.AppendInt(b, w.InFlight, 10)
	b = append(b, ";capacity="...)
	b = strconv.AppendFloat(b, w.Capacity, 'g', 6, 64)
	return append(b, "\r\n"...)
}

// appendQuoted writes a name between quotes. What a field may not hold is left out: names are mostly ASCII.
func appendQuoted(b []byte, name string) []byte {
	b = append(b, '"')
	for i := range len(name) {
		switch c := name[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= ' ' && c < 0x7f:
			b = append(b, c)
		default:
			b = append(b, '?')
		}
	}
	return append(b, '"')
}

// appendFigure writes a number of milliseconds; 3 figures after the point are enough, and all that the field may have.
func appendFigure(b []byte, name string, v float64) []byte {
	const most = 999_999_999_999 // by the field's grammar
	if !(v >= 0) {
		v = 0
	}
	b = append(b, name...)
	return strconv.AppendFloat(b, min(v, most), 'f', 3, 64)
}
