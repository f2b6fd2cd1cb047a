// The header by which an engine says its load with an answer (ORCA).

package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

const (
	// AskHeader asks an engine for its load, and AskFor says in which form.
	AskHeader, AskFor = "endpoint-load-metrics-format", "TEXT"
	// AnswerHeader is what it then says.
	AnswerHeader = "endpoint-load-metrics"

	orcaLimit = 4 << 10 // bytes of the header
)

var (
	errOrcaTooLong = fmt.Errorf("header %s is over %d KiB", AnswerHeader, orcaLimit>>10)
	errOrcaForm    = errors.New("header " + AnswerHeader + " is neither TEXT nor JSON")
)

// orcaNames are the names that engines give to figures, in lower case.
var orcaNames = map[string]figure{
	"kv_cache_usage_perc":  cacheUsed, // vLLM
	"gpu_cache_usage_perc": cacheUsed,
	"kv_cache_utilization": cacheUsed, // Triton, NIM
	"num_requests_waiting": waiting,
	"num_requests_running": running,
	"max_token_capacity":   cacheTokens, // Triton
	"kv_cache_size_tokens": cacheTokens,
}

// readHeader reads the header's value, in either form that can be read without a schema.
func readHeader(value []byte) (Reading, error) {
	if len(value) > orcaLimit {
		return nothing(), errOrcaTooLong
	}
	form, rest, _ := bytes.Cut(bytes.TrimSpace(value), []byte(" "))
	r := nothing()
	switch {
	case bytes.EqualFold(form, []byte("TEXT")):
		for pair := range bytes.SplitSeq(rest, []byte(",")) {
			name, text, _ := bytes.Cut(pair, []byte("="))
			r.say(string(bytes.TrimSpace(name)), number(bytes.TrimSpace(text)))
		}
	case bytes.EqualFold(form, []byte("JSON")):
		var said struct {
			Named map[string]any `json:"named_metrics"`
		}
		if err := json.Unmarshal(rest, &said); err != nil {
			return r, fmt.Errorf("header %s: %w", AnswerHeader, err)
		}
		for name, v := range said.Named {
			switch v := v.(type) {
			case float64:
				r.say(name, figureOf(v))
			case string:
				r.say(name, number([]byte(v)))
			}
		}
	default:
		return r, errOrcaForm
	}
	return r, nil
}

// say notes a figure by the header's name for it.
func (r *Reading) say(name string, v Figure) {
	of, known := orcaNames[strings.ToLower(strings.TrimPrefix(name, "named_metrics."))]
	if !known || !v.Known() {
		return
	}
	switch of {
	case running:
		r.Running = v
	case waiting:
		r.Waiting = v
	case cacheUsed:
		r.CacheUsedRatio = min(v, 1)
	case cacheTokens:
		r.CacheTokens = v
	default:
		return
	}
	r.Engine = "orca"
}
