// Traces as Mooncake publishes them.

package trace

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"
)

// mooncakeLine is one request of https://github.com/kvcache-ai/Mooncake, FAST25-release/traces.
type mooncakeLine struct {
	Timestamp *float64 `json:"timestamp"` // ms
	Input     *int     `json:"input_length"`
	Output    *int     `json:"output_length"`
	Blocks    []uint64 `json:"hash_ids"` // one for each BlockTokens of the prompt
}

func readMooncake(text *bufio.Reader, chance *rand.Rand) (t Trace, line int, err error) {
	for {
		bytesOfLine, err := text.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			line, err := place(err, line+1)
			return t, line, fmt.Errorf("read: %w", err)
		}
		line++
		if row := bytes.TrimSpace(bytesOfLine); len(row) > 0 {
			r, err := mooncakeRequest(row)
			if err != nil {
				return t, line, err
			}
			if n := len(t.Requests); n > 0 && r.At < t.Requests[n-1].At {
				return t, line, fmt.Errorf("timestamp goes back from %d to %d ms: sort the lines by time",
					t.Requests[n-1].At.Milliseconds(), r.At.Milliseconds())
			}
			t.Requests = append(t.Requests, r)
		}
		if err != nil {
			break
		}
	}
	spread(t.Requests, chance)
	findSessions(t.Requests)
	weigh(t.Requests)
	return t, 0, nil
}

func mooncakeRequest(row []byte) (r Request, err error) {
	var l mooncakeLine
	if err := json.Unmarshal(row, &l); err != nil {
		return r, fmt.Errorf("%w: give one JSON object a line, with timestamp, input_length, output_length and hash_ids", err)
	}
	switch {
	case l.Timestamp == nil || l.Input == nil || l.Output == nil:
		return r, errors.New("timestamp, input_length or output_length is missing: give all three")
	case !(*l.Timestamp >= 0 && *l.Timestamp <= longest*1000):
		return r, fmt.Errorf("timestamp is %g: give the milliseconds since the start of the trace, 0 or more and no more than 100 days", *l.Timestamp)
	}
	r.At = time.Duration(*l.Timestamp * float64(time.Millisecond))
	if r.PromptTokens, err = tokens("input_length", *l.Input); err != nil {
		return r, err
	}
	if r.AnswerTokens, err = tokens("output_length", *l.Output); err != nil {
		return r, err
	}
	if most := (r.PromptTokens + BlockTokens - 1) / BlockTokens; len(l.Blocks) > most {
		return r, fmt.Errorf("there are %d hash_ids for a prompt of %d tokens: give one for each %d tokens, no more than %d", len(l.Blocks), r.PromptTokens, BlockTokens, most)
	}
	r.Prefix = l.Blocks
	return r, nil
}

// spread sets the requests of each tick at random instants inside it, in the order that they have, if the clock of the
// file ticks: all requests of three seconds then have one time. It does where most requests share theirs.
func spread(requests []Request, chance *rand.Rand) {
	var starts []int // of each tick
	var gaps []time.Duration
	for i := range requests {
		if i == 0 || requests[i].At != requests[i-1].At {
			if i > 0 {
				gaps = append(gaps, requests[i].At-requests[i-1].At)
			}
			starts = append(starts, i)
		}
	}
	if len(gaps) == 0 || 2*len(starts) > len(requests) {
		return
	}
	slices.Sort(gaps)
	tick := gaps[len(gaps)/2]
	for k, start := range starts {
		end, length := len(requests), tick
		if k+1 < len(starts) {
			end = starts[k+1]
			length = min(tick, requests[end].At-requests[start].At)
		}
		within := make([]time.Duration, end-start)
		for i := range within {
			within[i] = time.Duration(chance.Float64() * float64(length))
		}
		slices.Sort(within)
		for i := range within {
			requests[start+i].At += within[i]
		}
	}
}
