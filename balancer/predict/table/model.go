// The model of a table, and its file.

package table

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/steelyard-proxy/steelyard/balancer/statefile"
)

// Kind is what a saved model says that it is, and version that of its file.
const (
	Kind    = "table"
	version = 1
)

// Model is what was learned: h(x) = Mean + Σ Weight_j · (x_j − Mean_j).
type Model struct {
	Kind     string    `json:"kind"`
	Version  int       `json:"version"`
	Label    string    `json:"label"`
	Mean     float64   `json:"mean"` // of the label
	Features []Feature `json:"features"`
	Rows     int       `json:"rows"`      // good ones
	TestRows int       `json:"test_rows"` // of these, set apart
	Score    Score     `json:"score"`     // on those
}

// Feature is one column that the label is predicted from.
type Feature struct {
	Name   string  `json:"name"`
	Mean   float64 `json:"mean"`
	Weight float64 `json:"weight"` // of the label, per unit of the feature
}

// model puts weights back into the units of the columns.
func (s *standard) model(r *Rows, w weights) *Model {
	m := &Model{Kind: Kind, Version: version, Label: r.Label, Mean: s.label.mean + w[len(r.Features)]*s.label.spread}
	for j, name := range r.Features {
		f := Feature{Name: name, Mean: s.features[j].mean}
		if s.features[j].spread > 0 {
			f.Weight = w[j] * s.label.spread / s.features[j].spread
		}
		m.Features = append(m.Features, f)
	}
	return m
}

// Predict returns the label of a row, whose features stand in the model's order.
func (m *Model) Predict(x []float64) float64 {
	sum := m.Mean
	for j := range m.Features {
		sum += m.Features[j].Weight * (x[j] - m.Features[j].Mean)
	}
	return sum
}

// Intercept is the label of a row of zeros.
func (m *Model) Intercept() float64 { return m.Predict(make([]float64, len(m.Features))) }

// Save writes the model to a file, whole or not at all; see statefile.Replace.
func (m *Model) Save(path string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err == nil {
		err = statefile.Replace(path, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("save the model: %w", err)
	}
	return nil
}

// Decode reads a saved model, and refuses whatever could not have been saved.
func Decode(text []byte) (*Model, error) {
	m := new(Model)
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(m); err != nil {
		return nil, fmt.Errorf("it is no model of a table: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows its end")
	}
	switch {
	case m.Kind != Kind:
		return nil, errors.New("it is no model of a table")
	case m.Version != version:
		return nil, fmt.Errorf("it is of version %d, and this program reads version %d", m.Version, version)
	case len(m.Features) == 0:
		return nil, errors.New("it has no features")
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return m, nil
}

// check refuses a model whose predictions might not be finite, or whose columns are not clear.
func (m *Model) check() error {
	names, most := map[string]bool{m.Label: true}, math.Abs(m.Mean)
	for _, f := range m.Features {
		if names[f.Name] {
			return fmt.Errorf("it has two columns %q", f.Name)
		}
		names[f.Name] = true
		most = max(most, math.Abs(f.Weight)*(largest+math.Abs(f.Mean))*float64(len(m.Features))) // NaN if one is
	}
	if math.IsNaN(most) || math.IsInf(most, 1) {
		return errors.New("its numbers are beyond all reason: give the columns other units")
	}
	return nil
}
