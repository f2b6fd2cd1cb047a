// Which names of models are learned apart, and which must leave.

package predict

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Names of models come from clients, and many servers do not look at them. So that nobody
// can push out what was learned, or fill the memory, with names that are made up:
const (
	// mostName is how long a name may be, in bytes, that is learned apart from the others.
	mostName = 256
	// admitRows is how many good rows a name must have had before it is learned apart.
	admitRows = 20
	// countedNames is for how many names at a time good rows are counted.
	countedNames = 256
	// staleAfter is for how long a model must have finished nothing before it makes room for
	// another that has had fewer rows.
	staleAfter = time.Hour
)

// nameable reports whether a model can be learned apart: its name is not too long, and text that
// can be shown.
func nameable(model string) bool {
	return model != "" && len(model) <= mostName && utf8.ValidString(model) &&
		strings.IndexFunc(model, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// newcomers counts the good rows of names that have no learner.
type newcomers map[string]int

// add counts a row, and returns about how many the name has had. Where there is no room for
// another name, all names lose one row. So a name with more than 1/countedNames of the rows
// stays, and names that come once only do not (Misra and Gries, Finding repeated elements, 1982).
func (n newcomers) add(name string) int {
	if rows, known := n[name]; known {
		n[name] = rows + 1
		return rows + 1
	}
	if len(n) < countedNames {
		n[strings.Clone(name)] = 1 // it may be part of something larger
		return 1
	}
	for other := range n {
		if n[other]--; n[other] == 0 {
			delete(n, other)
		}
	}
	return 0
}

// learnerOf is the learner of a model, or nil. Enough good rows of a new model make one,
// if there is room.
func (p *Predictor) learnerOf(model string, good bool, now time.Time) *learner {
	l := p.models[model]
	if l != nil || !good || !nameable(model) {
		return l
	}
	rows := p.newcomers.add(model)
	if rows < admitRows || !p.makeRoom(rows, now) {
		return nil
	}
	delete(p.newcomers, model)
	l = newLearner(strings.Clone(model), &p.options)
	l.rows = uint64(rows - 1) // the last one is still to be taken
	p.models[l.model] = l
	return l
}

// makeRoom reports whether there is room for one more model, which has had so many rows. If
// there are too many models already, one leaves that is stale or has had fewer rows; of
// several the one with the fewest.
func (p *Predictor) makeRoom(rows int, now time.Time) bool {
	if len(p.models) < p.options.MaxModels {
		return true
	}
	var least *learner
	for _, l := range p.models {
		weak := l.rows < uint64(rows) || now.Sub(l.seen) >= staleAfter
		if weak && (least == nil || l.rows < least.rows) {
			least = l
		}
	}
	if least == nil {
		return false
	}
	delete(p.models, least.model)
	p.evicted++
	return true
}
