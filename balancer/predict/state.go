// What a predictor knows, for metrics and people.

package predict

// State is what a Predictor knows, and what became of the rows that it was given.
type State struct {
	Models  []ModelState // all models together first, under the name "", then each by name
	Dropped uint64       // rows that came faster than they are learned from
	Evicted uint64       // models that left for others because there were too many
}

// ModelState is what is known of one model.
type ModelState struct {
	Model   string // "" for all models together
	Ready   bool   // false: too few rows, so that the model is predicted from all together
	Rule    Rule   // by which it is predicted when it is ready
	Rows    uint64 // good rows ever, also before a restart
	Cleaned Counts // all rows since the start
	Score   Score  // on recent rows that it has not learned from
	Rate    float64
	L2      float64
	// Intercept and Terms are those of the regression, in work and in work per unit of the term.
	Intercept float64
	Terms     []Term
}

// Term is one term of the regression.
type Term struct {
	Name   string
	Weight float64 // work per unit of the term
}

// State reports what was known when Run last published it. Any goroutine may call it.
func (p *Predictor) State() State {
	t := p.table.Load()
	s := State{Models: make([]ModelState, len(t.entries)), Dropped: p.dropped.Load(), Evicted: t.evicted}
	for i := range t.entries {
		s.Models[i] = t.entries[i].state()
	}
	return s
}

func (e *entry) state() ModelState {
	m := ModelState{
		Model: e.model, Ready: e.ready, Rule: e.formula.rule, Rows: e.rows, Cleaned: e.cleaned, Score: e.score,
		Rate: e.setting.Rate, L2: e.setting.L2, Intercept: e.formula.intercept,
	}
	for j := range e.setting.terms() {
		m.Terms = append(m.Terms, Term{termNames[j], e.formula.weights[j]})
	}
	return m
}
