// The saved file: its form, and whether what it says can be true.

package predict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/steelyard-proxy/steelyard/balancer/statefile"
)

// version is that of the saved file. It grows whenever a file could be misread.
const version = 1

// document is a saved file.
type document struct {
	Version int     `json:"version"`
	All     saved   `json:"all"`
	Models  []saved `json:"models"` // those that are ready, by name
}

// saved is an entry in a file.
type saved struct {
	Model     string             `json:"model,omitempty"`
	Rule      string             `json:"rule"`
	Rows      uint64             `json:"rows"`
	TunedAt   uint64             `json:"tuned_at"`
	Ready     bool               `json:"ready"`
	Setting   setting            `json:"setting"`
	Scale     float64            `json:"scale"`
	Mean      float64            `json:"mean"`
	Least     float64            `json:"least"`
	Most      float64            `json:"most"`
	Intercept float64            `json:"intercept"`
	Weights   map[string]float64 `json:"weights,omitempty"` // by term
	TestRows  int                `json:"test_rows"`
	Scores    map[string]score   `json:"scores,omitempty"` // by rule
}

type score struct {
	R2  float64 `json:"r2"`
	MAE float64 `json:"mae"`
}

func documentOf(t *table) *document {
	d := &document{Version: version, All: savedOf(&t.entries[0]), Models: []saved{}}
	for i := range t.entries[1:] {
		if e := &t.entries[1+i]; e.ready {
			d.Models = append(d.Models, savedOf(e))
		}
	}
	return d
}

func savedOf(e *entry) saved {
	f := &e.formula
	s := saved{
		Model: e.model, Rule: f.rule.String(), Rows: e.rows, TunedAt: e.tunedAt, Ready: e.ready, Setting: e.setting,
		Scale: f.scale, Mean: f.mean, Least: f.least, Most: f.most, Intercept: f.intercept,
		Weights: map[string]float64{}, TestRows: e.score.Rows, Scores: map[string]score{},
	}
	for j := range e.setting.terms() {
		s.Weights[termNames[j]] = f.weights[j]
	}
	for rule := range ruleCount {
		s.Scores[rule.String()] = score(e.score.Rules[rule])
	}
	return s
}

// resume lets the learner go on with what a file knows.
func (l *learner) resume(s *saved) {
	l.rows, l.tunedAt, l.setting = s.Rows, s.TunedAt, s.Setting
	l.formula = formula{
		scale: s.Scale, mean: s.Mean, intercept: s.Intercept,
		wide: s.Setting.Wide, least: s.Least, most: s.Most,
	}
	for j := range s.Setting.terms() {
		l.formula.weights[j] = s.Weights[termNames[j]]
	}
	l.score.Rows = s.TestRows
	for rule := range ruleCount {
		l.score.Rules[rule] = RuleScore(s.Scores[rule.String()])
	}
	// A file may come from anybody: its rule is used only if its own scores prove it.
	if l.ready = s.Ready && l.rows >= uint64(l.minRows); l.ready {
		l.formula.rule = l.score.proven(Rule(slices.Index(ruleNames[:], s.Rule)))
	}
}

// decode reads a file, and refuses whatever could not have been saved.
func decode(text []byte) (*document, error) {
	if len(text) > statefile.Most {
		return nil, fmt.Errorf("it is larger than %d MiB", statefile.Most>>20)
	}
	var head struct {
		Kind    string `json:"kind"`
		Version *int   `json:"version"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, fmt.Errorf("it is no JSON: %w", err)
	}
	switch {
	case head.Kind != "":
		return nil, &ForeignError{head.Kind}
	case head.Version == nil:
		return nil, errors.New("it names no version")
	case *head.Version != version:
		return nil, fmt.Errorf("it is of version %d, and this program reads version %d", *head.Version, version)
	}
	d := new(document)
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(d); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows its end")
	}
	if err := d.All.check(); err != nil {
		return nil, fmt.Errorf("all models: %w", err)
	}
	names := map[string]bool{}
	for i := range d.Models {
		s := &d.Models[i]
		if s.Model == "" || len(s.Model) > mostName || names[s.Model] || !s.Ready {
			return nil, fmt.Errorf("model %d has no name of its own, or is not ready", i)
		}
		names[s.Model] = true
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("model %q: %w", s.Model, err)
		}
	}
	return d, nil
}

// check refuses numbers that could make a prediction that is not finite or not above zero.
func (s *saved) check() error {
	f := []float64{s.Setting.Rate, s.Setting.L2, s.Scale, s.Mean, s.Least, s.Most, s.Intercept}
	for _, weight := range s.Weights {
		f = append(f, weight)
	}
	for _, value := range f {
		if math.Abs(value) > 1/leastWork*mostWork {
			return fmt.Errorf("%g is beyond all reason", value)
		}
	}
	switch {
	case !slices.Contains(ruleNames[:], s.Rule):
		return fmt.Errorf("there is no rule %q", s.Rule)
	case s.Scale <= 0 || s.Mean <= 0:
		return errors.New("scale and mean must be above zero")
	case s.Least <= 0 || s.Most < s.Least:
		return errors.New("least and most are no range above zero")
	case s.Setting.Rate < 0 || s.Setting.Rate > 1 || s.Setting.L2 < 0 || s.Setting.L2 > 1:
		return errors.New("rate and l2 must be from 0 to 1")
	case s.TestRows < 0 || s.TunedAt > s.Rows:
		return errors.New("its rows cannot be counted so")
	}
	for name := range s.Weights {
		if j := slices.Index(termNames[:], name); j < 0 || j >= s.Setting.terms() {
			return fmt.Errorf("there is no term %q", name)
		}
	}
	return nil
}
