// The messages of the contract, as they stand on the wire.

package keda

import (
	"errors"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// ScaledObjectRef says who asks, and what stands in the metadata of the trigger.
type ScaledObjectRef struct {
	Name, Namespace string
	Metadata        map[string]string
}

// IsActiveResponse says whether there should be a replica at all.
type IsActiveResponse struct{ Result bool }

// MetricSpec announces a metric, and how much of it one replica should have.
type MetricSpec struct {
	Name   string
	Target float64
}

// GetMetricSpecResponse announces metrics; one at least.
type GetMetricSpecResponse struct{ Specs []MetricSpec }

// GetMetricsRequest asks for a metric that was announced.
type GetMetricsRequest struct {
	Ref    ScaledObjectRef
	Metric string
}

// MetricValue is a metric as it is now.
type MetricValue struct {
	Name  string
	Value float64
}

// GetMetricsResponse is the answer to GetMetricsRequest.
type GetMetricsResponse struct{ Values []MetricValue }

// message is one that can be written and read.
type message interface {
	appendTo(b []byte) []byte
	read(b []byte) error
}

func (m *ScaledObjectRef) appendTo(b []byte) []byte {
	b = appendString(b, 1, m.Name)
	b = appendString(b, 2, m.Namespace)
	for key, value := range m.Metadata {
		b = appendMessage(b, 3, appendString(appendString(nil, 1, key), 2, value))
	}
	return b
}

func (m *ScaledObjectRef) read(b []byte) error {
	*m = ScaledObjectRef{Metadata: map[string]string{}}
	return eachField(b, func(number protowire.Number, f field) error {
		switch number {
		case 1:
			m.Name = string(f.bytes)
		case 2:
			m.Namespace = string(f.bytes)
		case 3:
			var key, value string
			if err := eachField(f.bytes, func(number protowire.Number, f field) error {
				switch number {
				case 1:
					key = string(f.bytes)
				case 2:
					value = string(f.bytes)
				}
				return nil
			}); err != nil {
				return err
			}
			m.Metadata[key] = value
		}
		return nil
	})
}

func (m *IsActiveResponse) appendTo(b []byte) []byte {
	if !m.Result {
		return b // as proto3 leaves out what is zero
	}
	return protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), 1)
}

func (m *IsActiveResponse) read(b []byte) error {
	*m = IsActiveResponse{}
	return eachField(b, func(number protowire.Number, f field) error {
		if number == 1 {
			m.Result = f.number != 0
		}
		return nil
	})
}

func (m *GetMetricSpecResponse) appendTo(b []byte) []byte {
	for _, s := range m.Specs {
		b = appendMessage(b, 1, appendFigure(nil, s.Name, s.Target))
	}
	return b
}

func (m *GetMetricSpecResponse) read(b []byte) error {
	*m = GetMetricSpecResponse{}
	return eachField(b, func(number protowire.Number, f field) error {
		if number != 1 {
			return nil
		}
		name, target, err := readFigure(f.bytes)
		m.Specs = append(m.Specs, MetricSpec{name, target})
		return err
	})
}

func (m *GetMetricsRequest) appendTo(b []byte) []byte {
	return appendString(appendMessage(b, 1, m.Ref.appendTo(nil)), 2, m.Metric)
}

func (m *GetMetricsRequest) read(b []byte) error {
	*m = GetMetricsRequest{}
	return eachField(b, func(number protowire.Number, f field) error {
		switch number {
		case 1:
			return m.Ref.read(f.bytes)
		case 2:
			m.Metric = string(f.bytes)
		}
		return nil
	})
}

func (m *GetMetricsResponse) appendTo(b []byte) []byte {
	for _, v := range m.Values {
		b = appendMessage(b, 1, appendFigure(nil, v.Name, v.Value))
	}
	return b
}

func (m *GetMetricsResponse) read(b []byte) error {
	*m = GetMetricsResponse{}
	return eachField(b, func(number protowire.Number, f field) error {
		if number != 1 {
			return nil
		}
		name, value, err := readFigure(f.bytes)
		m.Values = append(m.Values, MetricValue{name, value})
		return err
	})
}

// appendFigure writes what MetricSpec and MetricValue have alike: a name, a whole number for clients before KEDA 2.9,
// and a fraction, which counts for all others where it is above 0. The whole number is rounded up, so that less than
// one is not none.
func appendFigure(b []byte, name string, v float64) []byte {
	b = appendString(b, 1, name)
	if v == 0 {
		return b
	}
	b = protowire.AppendVarint(protowire.AppendTag(b, 2, protowire.VarintType), uint64(math.Ceil(v)))
	return protowire.AppendFixed64(protowire.AppendTag(b, 3, protowire.Fixed64Type), math.Float64bits(v))
}

func readFigure(b []byte) (name string, v float64, err error) {
	whole := 0.0
	err = eachField(b, func(number protowire.Number, f field) error {
		switch number {
		case 1:
			name = string(f.bytes)
		case 2:
			whole = float64(int64(f.number))
		case 3:
			v = math.Float64frombits(f.number)
		}
		return nil
	})
	if !(v > 0) {
		v = whole
	}
	return name, v, err
}

func appendString(b []byte, number protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), s)
}

func appendMessage(b []byte, number protowire.Number, of []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), of)
}

// field is the value of one: of a number or of bytes, the other is zero.
type field struct {
	number uint64
	bytes  []byte
}

var errCut = errors.New("the message is cut short or no protobuf")

// eachField calls take with each field of a message, those that it does not know too.
func eachField(b []byte, take func(protowire.Number, field) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errCut
		}
		b = b[n:]
		var f field
		switch kind {
		case protowire.VarintType:
			f.number, n = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			f.number, n = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return errCut
		}
		b = b[n:]
		if err := take(number, f); err != nil {
			return err
		}
	}
	return nil
}
