// From a page to its samples.

package resource

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

const (
	pageLimit = 8 << 20 // bytes of a page, unpacked
	lineLimit = 32 << 10
	// mostSamples is what a machine of 1,000 cores has, twice.
	mostSamples = 20_000
	// mostValue is more than any exporter counts; beyond it float64s lose whole numbers.
	mostValue = 1 << 53
)

var (
	errTooLarge = fmt.Errorf("the answer is over %d MiB", pageLimit>>20)
	errTooMany  = fmt.Errorf("more than %d of its lines are about the node", mostSamples)
	errNothing  = errors.New("none of its metrics is about a node: is it the page of node_exporter, DCGM exporter, steelyard agent or an engine?")
)

// sample is one line of a page.
type sample struct {
	series
	name   string
	labels map[string]string
	value  float64
}

// readPage returns what the lines that are wanted say. Lines whose value is none (NaN, an infinity, below zero) are left out.
func readPage(r io.Reader) ([]sample, error) {
	text, err := keepWanted(r)
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("read its lines: %w", err)
	}
	var all []sample
	for name, f := range families {
		for _, m := range f.GetMetric() {
			v := m.GetUntyped().GetValue() // without the comments of a page nothing has a type
			if !(v >= 0) || v > mostValue {
				continue
			}
			s := sample{series: wanted[name], name: name, value: v, labels: labelsOf(m)}
			if s.label == "" || s.labels[s.label] == s.series.value {
				all = append(all, s)
			}
		}
	}
	if len(all) == 0 {
		return nil, errNothing
	}
	return all, nil
}

func labelsOf(m *dto.Metric) map[string]string {
	labels := make(map[string]string, len(m.GetLabel()))
	for _, l := range m.GetLabel() {
		labels[l.GetName()] = l.GetValue()
	}
	return labels
}

// keepWanted reads a page to its end and returns the lines that are wanted. One that is too long is left out.
func keepWanted(r io.Reader) (kept []byte, err error) {
	limited := &io.LimitedReader{R: r, N: pageLimit + 1}
	lines, n := bufio.NewReaderSize(limited, lineLimit), 0
	for skip := false; ; {
		line, err := lines.ReadSlice('\n')
		switch {
		case limited.N <= 0:
			return nil, errTooLarge
		case errors.Is(err, bufio.ErrBufferFull):
			skip = true
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return nil, err
		}
		if !skip && isWanted(line) {
			if n++; n > mostSamples {
				return nil, errTooMany
			}
			kept = append(bytes.TrimRight(append(kept, line...), "\r\n"), '\n')
		}
		if skip = false; err != nil {
			return kept, nil
		}
	}
}

func isWanted(line []byte) bool {
	end := bytes.IndexAny(line, "{ \t")
	if end <= 0 || line[0] == '#' {
		return false
	}
	_, is := wanted[string(line[:end])]
	return is
}
