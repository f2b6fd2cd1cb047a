package engine

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestForwardTimesAreThoseMeasured by Vidur for Llama-3-8B on one A100, within 15 %. The file is that of the public traces:
// STEELYARD_TRACES names its folder, or it is ../shared/traces of a folder above this one. It is not part of the
// repository, and without it there is nothing to hold against.
func TestForwardTimesAreThoseMeasured(t *testing.T) {
	file, err := os.Open(filepath.Join(tracesFolder(t), "engine-forward-times.csv"))
	if err != nil {
		t.Skip("the measured times are not here: ", err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	seen := 0
	for _, row := range rows[1:] {
		b, known := kinds[row[0]]
		if !known || row[1] != "llama-3-8b" {
			continue
		}
		tokens, err := strconv.Atoi(row[2])
		require.NoError(t, err)
		milliseconds, err := strconv.ParseFloat(row[3], 64)
		require.NoError(t, err)
		sequences := min(tokens, defaultSequences)
		got := b.seconds(sequences, tokens, 0, 0) - b.Overhead
		require.InEpsilon(t, milliseconds, got*1e3, 0.15, "%s, %d tokens", row[0], tokens)
		seen++
	}
	require.Positive(t, seen)
}

// tracesFolder is where the public traces are, if they are anywhere.
func tracesFolder(t *testing.T) string {
	t.Helper()
	if folder := os.Getenv("STEELYARD_TRACES"); folder != "" {
		return folder
	}
	at, err := os.Getwd()
	require.NoError(t, err)
	for ; at != filepath.Dir(at); at = filepath.Dir(at) {
		folder := filepath.Join(filepath.Dir(at), "shared", "traces")
		if _, err := os.Stat(folder); err == nil {
			return folder
		}
	}
	t.Skip("the public traces are not here: name their folder in STEELYARD_TRACES")
	return ""
}

// The page of the bench has each kind with its constants.
func TestPageHasEveryKind(t *testing.T) {
	page, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	thousands := func(n int) string { return fmt.Sprintf("%d,%03d", n/1000, n%1000) }
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
	for _, name := range Kinds() {
		b := kinds[name]
		require.Contains(t, string(page), fmt.Sprintf("\n| `%s` | %s | %s | %s | %s | %s | %s | %s | %s |\n", name,
			number(b.Overhead*1e3), number(b.Base*1e3), number(b.Sequence*1e6), number(b.Token*1e6),
			number(b.Context*1e9), number(b.Attention*1e9), thousands(b.Memory), thousands(b.Budget)))
	}
}

func TestKindsThatCannotWorkAreRefused(t *testing.T) {
	for _, name := range Kinds() {
		require.NoError(t, Options{Kind: name}.Check())
	}
	for want, o := range map[string]Options{
		`there is no kind "h1000" of engine: did you mean "h100"`: {Kind: "h1000"},
		"base -1: give the seconds that it costs":                 {Kind: "a10", Batch: Batch{Base: -1}},
		"attention NaN: give the seconds":                         {Kind: "a10", Batch: Batch{Attention: math.NaN()}},
		"memory of 511 tokens and budget of 2048: must be":        {Kind: "a10", Batch: Batch{Memory: 511}},
		"memory of 35000 tokens and budget of -1: must be":        {Kind: "a10", Batch: Batch{Budget: -1}},
		"kind l4: has its own law, so leave out":                  {Kind: "l4", Slowing: 0.5},
		"slots -1: must be at least 1":                            {Kind: "l4", Slots: -1},
		"capacity -1: give the units":                             {Kind: "l4", Capacity: -1},
	} {
		require.ErrorContains(t, o.Check(), want)
	}
}
