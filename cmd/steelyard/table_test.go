package main

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// written is a file of that text.
func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data.csv")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// tabled is a table of n rows whose label is 4 + 3·feature_1 − 2·feature_2 + noise, with an id
// that says nothing.
func tabled(n int, noise float64) string {
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString("id,feature_1,feature_2,label\n")
	for i := range n {
		x, y := random.Float64()*10, random.NormFloat64()
		fmt.Fprintf(&b, "%d,%g,%g,%g\n", i, x, y, 4+3*x-2*y+noise*random.NormFloat64())
	}
	return b.String()
}

// column is the cells of one line of a printed table.
func cellsOf(out, line string) []string {
	for l := range strings.Lines(out) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(l), line); ok {
			return strings.Fields(rest)
		}
	}
	return nil
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err)
	return v
}

func TestTrainAndPredictATable(t *testing.T) {
	data := written(t, tabled(500, 0.01))
	model := filepath.Join(t.TempDir(), "model.json")
	out, _, err := steelyard(t, "train", "--data", data, "--features", "feature_1,feature_2", "--label", "label", "--out", model)
	require.NoError(t, err)
	require.Contains(t, out, "500 rows, 500 good; left out: 0 with a missing cell,")
	require.Contains(t, out, "Learned from 400 rows")
	require.Contains(t, out, "On 100 rows set apart")
	require.Contains(t, out, "Saved to "+model)
	for line, want := range map[string]float64{"(intercept)": 4, "feature_1 ×": 3, "feature_2 ×": -2} {
		require.InDelta(t, want, number(t, cellsOf(out, line)[0]), 0.02, line)
	}
	scores := cellsOf(out, "model ")
	require.Greater(t, number(t, scores[0]), 0.9999)
	require.InDelta(t, 0.008, number(t, scores[1]), 0.003)
	require.InDelta(t, 0.01, number(t, scores[2]), 0.003)
	same, _, err := steelyard(t, "train", "--data", data, "--features", "feature_1,feature_2", "--label", "label", "--seed", "1")
	require.NoError(t, err)
	require.Equal(t, strings.Split(out, "\nSaved")[0], strings.Split(same, "\nNot saved")[0])

	other := written(t, "feature_2,more,feature_1\n1,x,2\n,x,2\n1,x\n0,x,NaN\n-0.5,,1e1\n")
	out, notes, err := steelyard(t, "predict", "--model-file", model, "--data", other)
	require.NoError(t, err)
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"feature_1", "feature_2", "label_predicted"}, rows[0])
	require.InDelta(t, 8, number(t, rows[1][2]), 0.02)
	require.Equal(t, [][]string{{"2", "", ""}, {"", "", ""}, {"NaN", "0", ""}}, rows[2:5], "a row for each row")
	require.InDelta(t, 35, number(t, rows[5][2]), 0.05)
	require.Equal(t, "5 rows, 3 of which cannot be predicted: a feature is missing or no number that can be used.\n", notes)

	_, notes, err = steelyard(t, "predict", "--model-file", model, "--data", data)
	require.NoError(t, err)
	require.Contains(t, notes, "On the 500 rows that have label: R² 1.0000, MAE 0.00")
}

func TestTrainOnADamagedTable(t *testing.T) {
	lines := strings.SplitAfter(tabled(300, 0), "\n")
	lines = append(lines[:301], // without the empty end
		lines[1], strings.Replace(lines[1], "0,", "77,", 1), // the same again, under another id too
		"1,,2,3\n", "2,NA,2,3\n", "3,nan,2,3\n", "4,1,2,lots\n", "5,1e400,2,3\n", "6,1,2\n", "7,1,2,3,4\n", "8,1,")
	out, _, err := steelyard(t, "train", "--data", written(t, "\xef\xbb\xbf"+strings.Join(lines, "")), "--features", "feature_1,feature_2", "--label", "label")
	require.NoError(t, err)
	require.Contains(t, out, "310 rows, 300 good; left out: 2 with a missing cell, 1 with NaN, 1 with a cell that is no number, 1 out of range, 2 twice, 3 of another length than the header.")
	require.InDelta(t, 3, number(t, cellsOf(out, "feature_1 ×")[0]), 0.01)
}

func TestTrainOnFewRowsOfATable(t *testing.T) {
	out, _, err := steelyard(t, "train", "--data", written(t, tabled(10, 0)), "--features", "feature_1,feature_2", "--label", "label")
	require.NoError(t, err)
	require.Contains(t, out, "A test on 2 rows says little.")
	require.InDelta(t, 3, number(t, cellsOf(out, "feature_1 ×")[0]), 0.05)
}

func TestTrainRefusesATable(t *testing.T) {
	folder := t.TempDir()
	data, out := written(t, tabled(300, 0)), filepath.Join(folder, "model.json")
	constant := written(t, "a,b,c\n"+strings.Repeat("1,2,3\n1,4,3\n", 1)+"1,1,3\n1,5,3\n1,6,3\n1,7,3\n1,8,3\n1,9,3\n1,10,3\n1,11,3\n1,12,3\n")
	huge := written(t, "a,b\n"+strings.Repeat("1e300,1\n", 50))
	for want, args := range map[string][]string{
		"--features without --label: name the column to be learned with --label NAME":                   {data, "--features", "feature_1"},
		"--label without --features: name the columns to learn from with --features NAME,NAME":          {data, "--label", "label"},
		"--upstream is of a request log, and --features of a table: give one of them":                   {data, "--features", "feature_1", "--label", "label", "--upstream", "chat"},
		"--features label: it is the label, which cannot be learned from itself":                        {data, "--features", "label", "--label", "label"},
		"--features id: it is given twice":                                                              {data, "--features", "id,id", "--label", "label"},
		"--features has an empty name: separate the names of columns by single commas":                  {data, "--features", "id,,feature_1", "--label", "label"},
		data + `:1: there is no column "feature_3": did you mean "feature_1"?`:                          {data, "--features", "feature_3", "--label", "label"},
		`train: the label "c" is 3 in all rows: there is nothing to learn; nothing is saved`:            {constant, "--features", "a,b", "--label", "c"},
		"train: each feature is the same in all rows: there is nothing to learn from; nothing is saved": {constant, "--features", "a", "--label", "b"},
		"train: there are 0 good rows, at least 10 are needed; nothing is saved":                        {huge, "--features", "a", "--label", "b"},
	} {
		_, _, err := steelyard(t, append([]string{"train", "--out", out, "--data"}, args...)...)
		require.EqualError(t, err, want)
		require.Equal(t, exitBad, exitCode(err))
	}
	require.NoFileExists(t, out)
}

// TestTrainSavesNothingThatIsNoBetter than the mean, of a table or of a request log, and says so.
func TestTrainSavesNothingThatIsNoBetter(t *testing.T) {
	out := filepath.Join(t.TempDir(), "model.json")
	random := rand.New(rand.NewPCG(3, 4))
	var noise, log strings.Builder
	noise.WriteString("a,b\n")
	log.WriteString(logHeader)
	for range 400 {
		fmt.Fprintf(&noise, "%g,%g\n", random.Float64(), random.Float64())
		fmt.Fprintf(&log, "2026-11-23T12:00:00.000000Z,chat,a,llama,%d,%d,true,200,answered,0,0.1,%.6f,100,1,0.5\n",
			random.IntN(4000), 1+random.IntN(1000), random.ExpFloat64())
	}
	printed, _, err := steelyard(t, "train", "--data", written(t, noise.String()), "--features", "a", "--label", "b", "--out", out)
	require.ErrorContains(t, err, "the model is no better than the mean (R² ")
	require.Equal(t, exitFailed, exitCode(err))
	require.Contains(t, printed, "mean of the others")
	_, _, err = steelyard(t, "train", "--data", written(t, log.String()), "--out", out)
	require.ErrorContains(t, err, "train: no rule is better than the mean on rows that were not learned from, so nothing is saved")
	require.Equal(t, exitFailed, exitCode(err))
	require.NoFileExists(t, out)
}

// TestTrainSaysWhichRuleIsUsed, and why, where it is not the regression.
func TestTrainSaysWhichRuleIsUsed(t *testing.T) {
	text, err := os.ReadFile(recorded(t, 500))
	require.NoError(t, err)
	var mixed strings.Builder
	random := rand.New(rand.NewPCG(3, 4))
	mixed.Write(text)
	for range 400 {
		fmt.Fprintf(&mixed, "2026-11-23T12:00:00.000000Z,chat,a,noise,%d,%d,true,200,answered,0,0.1,%.6f,100,1,0.5\n",
			random.IntN(4000), 1+random.IntN(1000), random.ExpFloat64())
	}
	out := filepath.Join(t.TempDir(), "work.json")
	printed, _, err := steelyard(t, "train", "--data", written(t, mixed.String()), "--out", out)
	require.NoError(t, err)
	require.Contains(t, printed, "noise: the mean is used: no rule is better on rows held out, by 0.02 of R².")
	require.NotContains(t, printed, "llama: ")
	_, notes, err := steelyard(t, "predict", "--model-file", out, "--model", "noise", "--max-tokens", "100")
	require.NoError(t, err)
	require.Contains(t, notes, `by the mean of "noise"`)
}

func TestPredictRefusesATable(t *testing.T) {
	folder := t.TempDir()
	data, model := written(t, tabled(300, 0)), filepath.Join(folder, "model.json")
	_, _, err := steelyard(t, "train", "--data", data, "--features", "feature_1,feature_2", "--label", "label", "--out", model)
	require.NoError(t, err)
	damaged := filepath.Join(folder, "damaged.json")
	require.NoError(t, os.WriteFile(damaged, []byte(`{"kind": "table"}`), 0o600))
	lacking, twice := written(t, "feature_1\n1\n"), written(t, "feature_1,feature_2,feature_1\n1,2,3\n")
	quoted := written(t, "feature_1,feature_2\n1,\"2\n")
	for want, args := range map[string][]string{
		"--model-file " + model + ": it is a model of a table: give rows with --data FILE.csv":                                               {model, "--max-tokens", "10"},
		"--model-file " + damaged + ": it is of version 0, and this program reads version 1; name what steelyard train --features has saved": {damaged, "--data", data},
		lacking + `:1: there is no column "feature_2": did you mean "feature_1"?`:                                                            {model, "--data", lacking},
		twice + `:1: column "feature_1" is in the header twice`:                                                                              {model, "--data", twice},
		quoted + `:2:6: extraneous or missing " in quoted-field`:                                                                             {model, "--data", quoted},
	} {
		_, _, err := steelyard(t, append([]string{"predict", "--model-file"}, args...)...)
		require.EqualError(t, err, want)
		require.Equal(t, exitBad, exitCode(err))
	}
}
