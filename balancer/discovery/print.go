// Writing a list of endpoints, to be read again.

package discovery

import "encoding/json"

// Print returns a list as Parse reads it.
func Print(list []Endpoint) []byte {
	type printed struct {
		Name      string  `json:"name"`
		URL       string  `json:"url"`
		ID        string  `json:"id,omitempty"`
		Capacity  float64 `json:"capacity,omitempty"`
		Slots     int     `json:"slots,omitempty"`
		Tier      int     `json:"tier,omitempty"`
		Departing bool    `json:"departing,omitempty"`
	}
	all := make([]printed, len(list))
	for i, e := range list {
		all[i] = printed(e)
	}
	text, err := json.MarshalIndent(map[string]any{"endpoints": all}, "", " ")
	if err != nil {
		panic("BUG: a list of endpoints cannot be printed: " + err.Error())
	}
	return append(text, '\n')
}
