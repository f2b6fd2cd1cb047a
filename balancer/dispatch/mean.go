// An average that forgets.

package dispatch

// Mean is an average that forgets: of all samples until there are horizon, then mostly of the
// last so many.
type Mean struct {
	Value float64
	Seen  int // up to horizon
}

// Learn takes in a sample.
func (m *Mean) Learn(sample float64, horizon int) {
	m.Seen = min(m.Seen+1, horizon)
	m.Value += (sample - m.Value) / float64(m.Seen)
}
