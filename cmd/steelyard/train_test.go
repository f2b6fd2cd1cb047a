package main

import (
	"bytes"
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

// recorded is a request log of n requests whose work is 1 + max_tokens / 100, on endpoints of different speed and slots,
// and of some that failed.
func recorded(t *testing.T, n int) string {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString(logHeader)
	for i := range n {
		slots := 1 + random.IntN(4)
		capacity, tokens, status := 50*slots, 1+random.IntN(1000), 200
		if i%10 == 9 {
			status = 500
		}
		work := 1 + float64(tokens)/100
		fmt.Fprintf(&b, "2026-11-23T12:00:00.000000Z,chat,a,llama,%d,%d,true,%d,answered,0,0.1,%.6f,%d,%d,0.5\n",
			random.IntN(4000), tokens, status, work*float64(slots)/float64(capacity), capacity, slots)
	}
	path := filepath.Join(t.TempDir(), "requests.csv")
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
	return path
}

// steelyard runs one command line and returns what it prints.
func steelyard(t *testing.T, args ...string) (out, notes string, err error) {
	t.Helper()
	command := map[string]bool{"train": true, "predict": false}
	train, ok := command[args[0]]
	require.True(t, ok)
	c := predictCommand()
	if train {
		c = trainCommand()
	}
	var o, n bytes.Buffer
	c.SetOut(&o)
	c.SetErr(&n)
	c.SetArgs(args[1:])
	c.SilenceErrors, c.SilenceUsage = true, true
	err = c.Execute()
	return o.String(), n.String(), err
}

// What is learned serves at once only if a running steelyard is told of it.
func TestTrainHelpSaysHowTheFileIsTakenUp(t *testing.T) {
	out, _, err := steelyard(t, "train", "--help")
	require.NoError(t, err)
	require.Contains(t, out, "reload (SIGHUP)")
}

func TestTrainThenPredict(t *testing.T) {
	log := recorded(t, 2000)
	file := filepath.Join(t.TempDir(), "work.json")
	out, _, err := steelyard(t, "train", "--data", log, "--out", file, "--epochs", "30")
	require.NoError(t, err)
	require.Contains(t, out, "2000 rows, 1800 good; left out: 0 aborted, 200 errored, 0 impossible, 0 out of range.")
	require.Contains(t, out, "Saved to "+file)
	require.Less(t, strings.Count(out, "\n"), 30)
	var epochs []string
	for line := range strings.Lines(out) {
		if cells := strings.Fields(line); len(cells) == 5 {
			epochs = append(epochs, cells[0])
		}
		if cells := strings.Fields(line); len(cells) == 11 && cells[0] == "llama" {
			require.Equal(t, []string{"1800", "360"}, cells[1:3])
			r2, err := strconv.ParseFloat(cells[6], 64)
			require.NoError(t, err)
			require.Greater(t, r2, 0.999)
			require.Equal(t, "regression", cells[10])
		}
	}
	require.Equal(t, []string{"0", "1", "2", "5", "10", "20", "30"}, epochs)

	out, notes, err := steelyard(t, "predict", "--model-file", file, "--model", "llama", "--prompt-bytes", "900", "--max-tokens", "400", "--stream")
	require.NoError(t, err)
	work, err := strconv.ParseFloat(strings.TrimSpace(out), 64)
	require.NoError(t, err)
	require.InEpsilon(t, 5, work, 0.02)
	require.Contains(t, notes, `by the regression of "llama", tested on 360 rows: R² 1.0000`)
	_, notes, err = steelyard(t, "predict", "--model-file", file, "--model", "lama", "--max-tokens", "400")
	require.NoError(t, err)
	require.Contains(t, notes, `all models together`)
	require.Contains(t, notes, `nothing was learned of "lama": did you mean "llama"?`)

	out, _, err = steelyard(t, "predict", "--model-file", file, "--data", log)
	require.NoError(t, err)
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 2001)
	require.Equal(t, []string{"model", "prompt_bytes", "max_tokens", "stream", "work"}, rows[0])
	for _, row := range rows[1:] {
		tokens, err := strconv.ParseFloat(row[2], 64)
		require.NoError(t, err)
		work, err := strconv.ParseFloat(row[4], 64)
		require.NoError(t, err)
		require.InDelta(t, 1+tokens/100, work, 0.1)
	}
}

func TestTrainOverwritesOnlyByForce(t *testing.T) {
	log := recorded(t, 300)
	file := filepath.Join(t.TempDir(), "work.json")
	require.NoError(t, os.WriteFile(file, []byte("mine"), 0o600))
	_, _, err := steelyard(t, "train", "--data", log, "--out", file)
	require.EqualError(t, err, "--out "+file+": the file exists already; name another, or replace it with --force")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "mine", string(text))
	_, _, err = steelyard(t, "train", "--data", log, "--out", file, "--force")
	require.NoError(t, err)
	_, _, err = steelyard(t, "predict", "--model-file", file, "--max-tokens", "1")
	require.NoError(t, err)
}

// TestTrainSavesWhereALinkLeads, and leaves the link.
func TestTrainSavesWhereALinkLeads(t *testing.T) {
	log, folder := recorded(t, 300), t.TempDir()
	link, file := filepath.Join(t.TempDir(), "link"), filepath.Join(folder, "work.json")
	require.NoError(t, os.Symlink(file, link))
	for range 2 { // there is no such file, then there is
		_, _, err := steelyard(t, "train", "--data", log, "--out", link)
		require.ErrorContains(t, err, "the file exists already")
		_, _, err = steelyard(t, "train", "--data", log, "--out", link, "--force")
		require.NoError(t, err)
		_, _, err = steelyard(t, "predict", "--model-file", file, "--max-tokens", "1")
		require.NoError(t, err)
	}
	to, err := os.Readlink(link)
	require.NoError(t, err)
	require.Equal(t, file, to)
	require.NoError(t, os.RemoveAll(folder))
	_, _, err = steelyard(t, "train", "--data", log, "--out", link, "--force")
	require.EqualError(t, err, "--out "+link+": it cannot be followed: no such file or directory; name a file in a folder that is there")
}

// TestTrainRefusesWhatCannotBeSaved names a request log that is not there: nothing is read before the file is known to
// have a place.
func TestTrainRefusesWhatCannotBeSaved(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for out, want := range map[string]string{
		filepath.Join(folder, "none", "work.json"): "the folder " + filepath.Join(folder, "none") + " cannot be used: no such file or directory; name a file in a folder that is there",
		filepath.Join(file, "work.json"):           file + " is not a folder; name a file in a folder that is there",
		folder:                                     "it is a folder; name a file in a folder that is there",
	} {
		_, _, err := steelyard(t, "train", "--data", filepath.Join(folder, "none.csv"), "--out", out, "--force")
		require.EqualError(t, err, "--out "+out+": "+want)
	}
	_, _, err := steelyard(t, "train", "--data", filepath.Join(folder, "none.csv"), "--out", os.DevNull, "--force")
	require.EqualError(t, err, "--out "+os.DevNull+": it is no file; name a file in a folder that is there")
	_, _, err = steelyard(t, "train", "--data", filepath.Join(folder, "none.csv"), "--out", filepath.Join(folder, "work.json"))
	require.ErrorContains(t, err, "none.csv")
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, left, 1, "a try leaves nothing")
}

func TestTrainOnRotatedLogsAndOneUpstream(t *testing.T) {
	log := recorded(t, 300)
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	other := filepath.Join(t.TempDir(), "requests.csv.1")
	require.NoError(t, os.WriteFile(other, bytes.ReplaceAll(text, []byte(",chat,"), []byte(",code,")), 0o600))
	out, _, err := steelyard(t, "train", "--data", log, "--data", other)
	require.NoError(t, err)
	require.Contains(t, out, "600 rows, 540 good")
	require.Contains(t, out, "of 2 upstreams")
	require.Contains(t, out, "Not saved")
	out, _, err = steelyard(t, "train", "--data", log, "--data", other, "--upstream", "code")
	require.NoError(t, err)
	require.Contains(t, out, "300 rows, 270 good")
	require.NotContains(t, out, "upstreams")
	_, _, err = steelyard(t, "train", "--data", log, "--data", other, "--upstream", "chad")
	require.EqualError(t, err, `--upstream chad: no row is from it: did you mean "chat"?`)
}

// TestNamesAreShownAsTheyAre keeps a client's choice of a name from moving the cursor.
func TestNamesAreShownAsTheyAre(t *testing.T) {
	require.Equal(t, "(all)", shown(""))
	require.Equal(t, "a�[2Jb", shown("a\x1b[2Jb"))
	require.Equal(t, strings.Repeat("x", 60)+"…", shown(strings.Repeat("x", 300)))
}

func TestTrainAndPredictExitCodes(t *testing.T) {
	log, folder := recorded(t, 300), t.TempDir()
	file := filepath.Join(folder, "work.json")
	short, damaged := filepath.Join(folder, "short.csv"), filepath.Join(folder, "damaged.json")
	require.NoError(t, os.WriteFile(short, []byte(logHeader+logRow), 0o600))
	require.NoError(t, os.WriteFile(damaged, []byte("{"), 0o600))
	for _, c := range []struct {
		code int
		args []string
	}{
		{0, []string{"train", "--data", log, "--out", file}},
		{2, []string{"train", "--data", log, "--out", file}},
		{2, []string{"train"}},
		{2, []string{"train", "--data", log + ".none"}},
		{2, []string{"train", "--data", short}},
		{2, []string{"train", "--data", damaged}},
		{2, []string{"train", "--data", log, "--epochs", "0"}},
		{2, []string{"train", "--data", log, "--test", "1"}},
		{2, []string{"train", "--data", log, "--test", "NaN"}},
		{2, []string{"train", "--data", log, "--upstream", "none"}},
		{2, []string{"train", "--nope"}},
		{2, []string{"train", "--data", log, "--out", filepath.Join(folder, "none", "work.json")}},
		{0, []string{"predict", "--model-file", file, "--prompt-bytes", "10"}},
		{2, []string{"predict", "--model-file", file}},
		{2, []string{"predict", "--max-tokens", "10"}},
		{2, []string{"predict", "--model-file", damaged, "--max-tokens", "10"}},
		{2, []string{"predict", "--model-file", file + ".none", "--max-tokens", "10"}},
		{2, []string{"predict", "--model-file", file, "--max-tokens", "-1"}},
		{2, []string{"predict", "--model-file", file, "--max-tokens", "10", "--data", log}},
		{2, []string{"predict", "--model-file", file, "--data", damaged}},
	} {
		require.Equal(t, c.code, run(c.args), "%v", c.args)
	}
	require.FileExists(t, damaged, "a command that only looks moves nothing")
}
