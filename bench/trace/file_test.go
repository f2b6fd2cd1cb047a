package trace

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// write records a trace in a file that Read reads back.
func write(t *testing.T, made Trace, path string) {
	text := strings.Join(columns, ",") + "\n"
	for _, r := range made.Requests {
		tokens := ""
		if r.MaxTokens > 0 {
			tokens = strconv.Itoa(r.MaxTokens)
		}
		text += fmt.Sprintf("%.9f,%v,%s,%d,%t\n", r.At.Seconds(), r.Work, tokens, r.PromptBytes, r.Stream)
	}
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	for _, o := range []Options{
		{Seed: 1, Requests: 500, Rate: 1e6, Work: Heavy, Hints: Hints{Noise: 1}},
		{Seed: 1, Requests: 500, Rate: 0.001, Work: LLM, Hints: Hints{None: true}},
	} {
		made := generated(t, o)
		path := filepath.Join(t.TempDir(), "recorded.csv")
		write(t, made, path)
		got, err := Read(path)
		require.NoError(t, err)
		assert.Equal(t, "recorded", got.Name)
		assert.Equal(t, made.Requests, got.Requests)
	}
}

func TestReadTakesWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.csv")
	require.NoError(t, os.WriteFile(path, []byte("work,seconds,max_tokens\n1.5,0,\n2, 0.25,7\n"), 0o600))
	got, err := Read(path)
	require.NoError(t, err)
	assert.Equal(t, []Request{{Work: 1.5}, {At: 250 * time.Millisecond, Work: 2, MaxTokens: 7}}, got.Requests)
}

func TestReadNamesThePlaceAndTheRemedy(t *testing.T) {
	const names = "seconds,work,max_tokens,prompt_bytes,stream\n"
	for _, c := range []struct{ text, says string }{
		{"", ":1: the file is empty: begin with the line seconds,work,max_tokens,prompt_bytes,stream"},
		{"seconds,wrok\n", `:1: there is no column "wrok": did you mean "work"?`},
		{"seconds,work,endpoint\n", `:1: there is no column "endpoint": known here: seconds, work, max_tokens`},
		{"seconds,work,work\n", `:1: column "work" is there twice: remove one`},
		{"seconds,stream\n", `:1: column "work" is missing`},
		{names, ":2: the trace has no requests"},
		{names + "0,1,,,\n1,2\n", ":3: there are 2 cells for 5 columns"},
		{names + "1,1,,,\n0.5,1,,,\n", ":3: seconds go back from 1 to 0.5: sort the lines by time"},
		{names + "soon,1,,,\n", `:2: seconds: "soon" is no time`},
		{names + "-1,1,,,\n", `:2: seconds: "-1" is no time`},
		{names + "1e300,1,,,\n", `:2: seconds: "1e300" is no time`},
		{names + "NaN,1,,,\n", `:2: seconds: "NaN" is no time`},
		{names + "0,,,,\n", `:2: work: "" is no work`},
		{names + "0,0,,,\n", `:2: work: "0" is no work`},
		{names + "0,Inf,,,\n", `:2: work: "Inf" is no work`},
		{names + "0,1,-3,,\n", `:2: max_tokens: "-3" is no count`},
		{names + "0,1,,4294967296,\n", `:2: prompt_bytes: "4294967296" is no count`},
		{names + "0,1,,,maybe\n", `:2: stream: "maybe" is neither true nor false`},
		{names + "\n\n0,1,,,\n0,\"1,,,\n", ":5: "},
	} {
		path := filepath.Join(t.TempDir(), "bad.csv")
		require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
		_, err := Read(path)
		assert.ErrorContains(t, err, path+c.says, "%q", c.text)
	}
	_, err := Read(filepath.Join(t.TempDir(), "none.csv"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, "give the path of a CSV file that begins with the line seconds,work,max_tokens")
}

func FuzzRead(f *testing.F) {
	f.Add("seconds,work\n0,1\n")
	f.Add("seconds,work,max_tokens,prompt_bytes,stream\n0.5,1,,3,true\n")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "fuzzed.csv")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		got, err := Read(path)
		if err != nil {
			return
		}
		again := filepath.Join(t.TempDir(), "fuzzed.csv")
		write(t, got, again)
		back, err := Read(again)
		require.NoError(t, err)
		require.Equal(t, got, back)
	})
}
