// What Ollama says: which models it has in memory, and nothing of how busy it is.

package load

import (
	"encoding/json"
	"io"
	"slices"
)

// readModels reads an answer of /api/ps. A model that has left the memory has left its cache behind.
func readModels(r io.Reader) (Reading, error) {
	var answer struct {
		Models *[]struct {
			Name          string `json:"name"`
			Digest        string `json:"digest"`
			ContextLength int64  `json:"context_length"` // of later versions
		} `json:"models"`
	}
	limited := &io.LimitedReader{R: r, N: pageLimit + 1}
	if err := json.NewDecoder(limited).Decode(&answer); err != nil {
		if limited.N == 0 {
			return nothing(), errPageTooLarge
		}
		return nothing(), err
	}
	reading := nothing()
	if answer.Models == nil {
		return reading, nil
	}
	reading.Engine, reading.models = "ollama", []string{}
	tokens := int64(0)
	for _, m := range *answer.Models {
		reading.models = append(reading.models, m.Name+" "+m.Digest)
		if m.ContextLength > 0 && m.ContextLength < mostFigure {
			tokens += m.ContextLength
		}
	}
	if slices.Sort(reading.models); tokens > 0 && tokens < mostFigure {
		reading.CacheTokens = Figure(tokens)
	}
	return reading, nil
}

func contains(sorted []string, s string) bool {
	_, found := slices.BinarySearch(sorted, s)
	return found
}
