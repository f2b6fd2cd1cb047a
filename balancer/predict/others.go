// What predictors of other gateways have learned of the same requests.

package predict

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"
)

const (
	// toldModels is how many models others are told of: those with the most rows.
	toldModels = 16
	// mostOthers is how many others are heard.
	mostOthers = 64
	// mostWeight is how many rows of one learner count for at most.
	mostWeight = 10_000
	// judgedRows is from how many rows of our own on what others say is held against them.
	judgedRows = 40
	// mostWorse is by how much the squared error may grow on our own rows by what others say: noise.
	mostWorse = 1.02
)

// Tell is what other gateways are told: what was learned here, and nothing that was heard.
func (p *Predictor) Tell() []byte {
	d := documentOf(p.table.Load())
	slices.SortStableFunc(d.Models, func(a, b saved) int { return cmp.Compare(b.Rows, a.Rows) })
	d.Models = d.Models[:min(len(d.Models), toldModels)]
	text, err := json.Marshal(d)
	if err != nil {
		return nil // figures that no file could have either
	}
	return text
}

// Hear takes over what other gateways have told, in place of what they told before. What cannot be true is left out. Any goroutine
// may call it; it counts from the next time that Run learns.
func (p *Predictor) Hear(texts [][]byte) (refused error) {
	var all []heard
	for _, text := range texts[:min(len(texts), mostOthers)] {
		d, err := decode(text)
		if err != nil {
			refused = cmp.Or(refused, err)
			continue
		}
		if h := d.heard(); h.models[""] != nil {
			all = append(all, h)
		}
	}
	p.others.Store(&all)
	return refused
}

// heard is what one other has learned.
type heard struct {
	mean   float64           // of the work of all its requests
	models map[string]*entry // by name; "" for all together
}

// heard is the document as it counts: of each model only what its own scores prove.
func (d *document) heard() heard {
	h := heard{models: map[string]*entry{}}
	take := func(s *saved) {
		l := learner{minRows: leastRows}
		if l.resume(s); l.rows > 0 && (l.ready || s.Model == "") {
			h.models[s.Model] = &l.entry
		}
	}
	take(&d.All)
	for i := range d.Models {
		if nameable(d.Models[i].Model) {
			take(&d.Models[i])
		}
	}
	if all := h.models[""]; all != nil {
		h.mean = all.formula.mean
	}
	return h
}

// apart is how many times the mean of a model may be above or below that of all models, and farApart a single request.
const apart, farApart = 1e4, 1e6

// sane says whether a formula in a unit of work can be meant: what has no figures of our own to be held against has bounds at least.
func (f *formula) sane(unit float64) bool {
	hints := f.mean / f.scale // the mean size in tokens
	sum := f.intercept
	for _, weight := range f.weights {
		sum += weight
	}
	return f.mean > unit/apart && f.mean < unit*apart && f.least > 0 && f.most < unit*farApart && hints > leastHint && hints < mostTokens &&
		!math.IsNaN(sum) && !math.IsInf(sum, 0)
}

// scaled is the formula in another unit of work.
func (f formula) scaledBy(factor float64) formula {
	for _, part := range []*float64{&f.scale, &f.mean, &f.intercept, &f.least, &f.most} {
		*part *= factor
	}
	for j := range f.weights {
		f.weights[j] *= factor
	}
	return f
}

// opinion is what another has learned of a model, in our unit of work.
type opinion struct {
	formula formula
	rows    float64
	ready   bool
}

// withOthers adds to a table what others have learned: each model's formula is the mean of all, by their rows. Others together never
// have more weight than our own rows, once there are enough of these, and none that predicts our own requests worse than their mean
// does. So a gateway that has just begun goes by the others at once, and one that is wrong does no harm where there is anything to
// hold against it.
func (p *Predictor) withOthers(t *table) {
	others := p.others.Load()
	if others == nil || len(*others) == 0 {
		return
	}
	unit := 0.0
	if p.overall.formula.scaled() {
		unit = p.overall.formula.mean
	} else {
		unit = slices.MaxFunc(*others, func(a, b heard) int { return cmp.Compare(a.models[""].rows, b.models[""].rows) }).mean
	}
	names := map[string]bool{"": true}
	for _, h := range *others {
		for name := range h.models {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		own := p.models[name]
		if name == "" {
			own = p.overall
		}
		if own == nil && len(t.byModel) >= 2*p.options.MaxModels {
			continue
		}
		var said []opinion
		for _, h := range *others {
			if e := h.models[name]; e != nil {
				o := opinion{e.formula.scaledBy(unit / h.mean), float64(min(e.rows, mostWeight)), e.ready}
				if o.formula.sane(unit) {
					said = append(said, o)
				}
			}
		}
		merged, good := merge(own, said)
		switch {
		case !good:
		case name == "":
			t.overall, t.mean = merged, merged.mean
		default:
			t.byModel[name] = merged
		}
	}
}

// merge is a model's formula by all, or nothing where our own is better alone.
func merge(own *learner, said []opinion) (merged *formula, good bool) {
	mine, tested := opinion{}, []sample(nil)
	if own != nil {
		mine = opinion{own.formula, float64(min(own.rows, mostWeight)), own.ready}
		tested = own.test.samples
	}
	judged := len(tested) >= judgedRows
	if judged {
		said = slices.DeleteFunc(said, func(o opinion) bool {
			return missed(&o.formula, tested) > missed(&formula{rule: Mean, mean: mine.formula.mean, least: mine.formula.least, most: mine.formula.most}, tested)
		})
	}
	if !judged {
		said = agreeing(said)
	}
	rule, known := Hints, false
	if mine.ready {
		rule, known = mine.formula.rule, true
	} else if best := heaviest(said); best != nil {
		rule, known = best.formula.rule, true
	}
	said = slices.DeleteFunc(said, func(o opinion) bool { return o.formula.rule != rule })
	if !known || len(said) == 0 {
		return nil, false
	}
	sum := 0.0
	for _, o := range said {
		sum += o.rows
	}
	louder := max(1, sum/max(mine.rows, leastRows))
	if own != nil && own.formula.scaled() && mine.formula.rule == rule {
		said = append(said, opinion{mine.formula, mine.rows * louder, mine.ready})
	}
	f := meanOf(said, rule)
	if judged && mine.ready && missed(&f, tested) > mostWorse*missed(&mine.formula, tested) {
		return nil, false
	}
	return &f, true
}

// agreeing are those who do not stand alone: where there are three or more, whoever takes requests for several times as large as most do is
// left out.
func agreeing(said []opinion) []opinion {
	const several = 4
	if len(said) < 3 {
		return said
	}
	means := make([]float64, len(said))
	for i := range said {
		means[i] = said[i].formula.mean
	}
	slices.Sort(means)
	middle := means[len(means)/2]
	return slices.DeleteFunc(said, func(o opinion) bool {
		return o.formula.mean > several*middle || o.formula.mean < middle/several
	})
}

// heaviest is the opinion with the most rows, of those that are ready if any is.
func heaviest(said []opinion) *opinion {
	if len(said) == 0 {
		return nil
	}
	best := slices.MaxFunc(said, func(a, b opinion) int {
		if a.ready != b.ready {
			return cmp.Compare(btoi(a.ready), btoi(b.ready))
		}
		return cmp.Compare(a.rows, b.rows)
	})
	return &best
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// meanOf is the mean of formulas of one rule, by their rows. It predicts the mean of what they predict.
func meanOf(said []opinion, rule Rule) formula {
	f, sum := formula{rule: rule, least: said[0].formula.least}, 0.0
	for _, o := range said {
		sum += o.rows
	}
	for _, o := range said {
		part, g := o.rows/sum, &o.formula
		f.scale, f.mean, f.intercept = f.scale+part*g.scale, f.mean+part*g.mean, f.intercept+part*g.intercept
		for j := range f.weights {
			f.weights[j] += part * g.weights[j]
		}
		f.wide = f.wide || g.wide
		f.least, f.most = min(f.least, g.least), max(f.most, g.most)
	}
	return f
}

// missed is the squared error of a formula on samples.
func missed(f *formula, samples []sample) (sum float64) {
	for i := range samples {
		miss := f.by(f.rule, samples[i].features()) - samples[i].work
		sum += miss * miss
	}
	return sum
}
