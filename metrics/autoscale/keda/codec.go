// How connect writes and reads the messages.

package keda

import "fmt"

// codec takes the place of connect's own for protobuf, which wants generated code.
type codec struct{}

// Name implements connect.Codec. gRPC calls it so where a client does not say otherwise.
func (codec) Name() string { return "proto" }

// Marshal implements connect.Codec.
func (codec) Marshal(v any) ([]byte, error) {
	m, is := v.(message)
	if !is {
		return nil, fmt.Errorf("BUG: %T is no message of the contract", v)
	}
	return m.appendTo(nil), nil
}

// Unmarshal implements connect.Codec.
func (codec) Unmarshal(b []byte, v any) error {
	m, is := v.(message)
	if !is {
		return fmt.Errorf("BUG: %T is no message of the contract", v)
	}
	return m.read(b)
}
