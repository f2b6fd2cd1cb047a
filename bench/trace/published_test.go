package trace

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// published is the path of one of the published traces. The test is skipped where they are not: in the folder that
// STEELYARD_TRACES names, or else in shared/traces beside the module.
func published(t *testing.T, name string) string {
	t.Helper()
	folder := os.Getenv("STEELYARD_TRACES")
	for at, err := filepath.Abs("."); folder == "" && err == nil && at != filepath.Dir(at); at = filepath.Dir(at) {
		if beside := filepath.Join(at, "shared", "traces"); isFolder(beside) {
			folder = beside
		}
	}
	path := filepath.Join(folder, name)
	if _, err := os.Stat(path); folder == "" || err != nil {
		t.Skipf("the published trace %s is not here: name the folder that has it by STEELYARD_TRACES", name)
	}
	return path
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// statistics are what is published of a trace.
type statistics struct {
	requests       int
	rate, cv       float64 // per second; of gaps
	prompt, answer lengths
	reuse          float64
}

type lengths struct{ mean, p50, p90, p99 float64 }

// The table of the traces' README, and what the files themselves say of answers' p90.
var stated = map[string]statistics{
	"mooncake-conversation.jsonl.gz": {12031, 3.40, 0, lengths{12035, 6909, 27367, 85399}, lengths{343, 350, 0, 1115}, 0.37},
	"mooncake-synthetic.jsonl.gz":    {3993, 3.91, 1, lengths{15325, 11587, 38596, 66456}, lengths{149, 69, 0, 768}, 0.65},
	"azure-2023-conv.csv.gz":         {19366, 5.53, 1.09, lengths{1155, 1020, 2734, 4142}, lengths{211, 129, 0, 601}, 0},
	"azure-2023-code.csv.gz":         {8819, 2.57, 13, lengths{2048, 1469, 5186, 7436}, lengths{28, 13, 0, 249}, 0},
}

// measure returns the statistics of a trace.
func measure(t Trace) statistics {
	var prompts, answers []int
	for _, r := range t.Requests {
		prompts, answers = append(prompts, r.PromptTokens), append(answers, r.AnswerTokens)
	}
	return statistics{len(t.Requests), t.Rate(), gapsCV(t), lengthsOf(prompts), lengthsOf(answers), t.Reuse()}
}

func lengthsOf(list []int) lengths {
	slices.Sort(list)
	sum := 0
	for _, n := range list {
		sum += n
	}
	at := func(part float64) float64 { return float64(list[int(part*float64(len(list)-1))]) }
	return lengths{float64(sum) / float64(len(list)), at(0.5), at(0.9), at(0.99)}
}

// gapsCV is the standard deviation of the gaps between arrivals over their mean.
func gapsCV(t Trace) float64 {
	sum, squares, n := 0.0, 0.0, float64(len(t.Requests)-1)
	for i := 1; i < len(t.Requests); i++ {
		gap := (t.Requests[i].At - t.Requests[i-1].At).Seconds()
		sum += gap
		squares += gap * gap
	}
	return math.Sqrt(squares/n-sum/n*sum/n) / (sum / n)
}

// alike holds statistics to others, where those are known, within a part of each.
func alike(t *testing.T, want, got statistics, within, reuseWithin float64) {
	t.Helper()
	near := func(what string, want, got float64) {
		t.Helper()
		if want != 0 {
			assert.InEpsilon(t, want, got, within, what)
		}
	}
	near("rate", want.rate, got.rate)
	near("cv of gaps", want.cv, got.cv)
	for _, c := range []struct {
		of        string
		want, got lengths
	}{{"prompt", want.prompt, got.prompt}, {"answer", want.answer, got.answer}} {
		near(c.of+" mean", c.want.mean, c.got.mean)
		near(c.of+" p50", c.want.p50, c.got.p50)
		near(c.of+" p90", c.want.p90, c.got.p90)
		near(c.of+" p99", c.want.p99, c.got.p99)
	}
	assert.InDelta(t, want.reuse, got.reuse, reuseWithin, "share that an endless cache would serve")
}

func TestPublishedTracesAreReadWhole(t *testing.T) {
	for name, want := range stated {
		t.Run(name, func(t *testing.T) {
			got, err := Read(published(t, name))
			require.NoError(t, err)
			require.Len(t, got.Requests, want.requests)
			require.True(t, got.Tokens())
			alike(t, want, measure(got), 0.02, 0.005)
			assert.InDelta(t, 1, got.MeanWork(), 1e-9)
			assert.True(t, slices.IsSortedFunc(got.Requests, func(a, b Request) int { return int(a.At - b.At) }))
		})
	}
}

func TestServeGenClientsKeepTheirRatesAndLengths(t *testing.T) {
	path := published(t, "servegen-clients.csv.gz")
	_, err := Read(path)
	assert.ErrorContains(t, err, "name one model behind the path, as in FILE#deepseek-r1")
	_, err = Read(path + "#m-big")
	assert.ErrorContains(t, err, `there is no model "m-big"`)
	got, err := Read(path + "#m-mid")
	require.NoError(t, err)
	assert.Len(t, got.Requests, drawnRequests)
	assert.Equal(t, "servegen-clients m-mid", got.Name)
	prompt, answer := got.Lengths()
	t.Logf("m-mid: %.1f/s, %.0f tokens in, %.0f out, cv of gaps %.1f", got.Rate(), prompt, answer, gapsCV(got))
}

// TestTicksAreSpread is of Mooncake's clock, which has one time for all requests of three seconds.
func TestTicksAreSpread(t *testing.T) {
	text := ""
	for i := range 40 {
		text += fmt.Sprintf(`{"timestamp": %d, "input_length": %d, "output_length": 7, "hash_ids": [0]}`+"\n", i/10*3000, i+1)
	}
	path := filepath.Join(t.TempDir(), "ticks.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	got, err := Read(path)
	require.NoError(t, err)
	different := map[time.Duration]bool{}
	for i, r := range got.Requests {
		tick := time.Duration(i/10) * 3 * time.Second
		assert.True(t, r.At >= tick && r.At < tick+3*time.Second, "%v is not in the tick of %v", r.At, tick)
		assert.Equal(t, i+1, r.PromptTokens, "the order is kept")
		different[r.At] = true
	}
	assert.Len(t, different, 40)
	again, err := Read(path)
	require.NoError(t, err)
	assert.Equal(t, got, again)
}

func TestReadOfPublishedFormatsNamesThePlaceAndTheRemedy(t *testing.T) {
	const (
		good    = `{"timestamp": 5, "input_length": 600, "output_length": 3, "hash_ids": [1, 2]}` + "\n"
		azure   = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
		clients = "model,client,requests,rate_mean_per_s,cv_weighted,input_p10,input_p50,input_p90,input_p99,input_max,output_p10,output_p50,output_p90,output_p99,output_max\n"
	)
	for _, c := range []struct{ text, says string }{
		{good + "{\n", ":2: unexpected end of JSON input: give one JSON object a line"},
		{good + `{"timestamp": 6, "input_length": 1}`, ":2: timestamp, input_length or output_length is missing"},
		{good + `{"timestamp": 4, "input_length": 1, "output_length": 1}`, ":2: timestamp goes back from 5 to 4 ms: sort the lines by time"},
		{good + `{"timestamp": -4, "input_length": 1, "output_length": 1}`, ":2: timestamp is -4: give the milliseconds"},
		{good + `{"timestamp": 6, "input_length": -1, "output_length": 1}`, ":2: input_length is -1: give a number of tokens"},
		{good + `{"timestamp": 6, "input_length": 1, "output_length": 1e99}`, ":2: json: cannot unmarshal"},
		{good + `{"timestamp": 6, "input_length": 512, "output_length": 1, "hash_ids": [1, 2]}`, ":2: there are 2 hash_ids for a prompt of 512 tokens: give one for each 512 tokens, no more than 1"},
		{"TIMESTAMP,Context\n", ":1: the columns are TIMESTAMP,Context: they must be TIMESTAMP,ContextTokens,GeneratedTokens"},
		{azure, ":2: the trace has no requests"},
		{azure + "2023-11-16 18:15:46.6805900,374\n", ":2: there are 2 cells for 3 columns"},
		{azure + "yesterday,374,44\n", `:2: TIMESTAMP: "yesterday" is no time: give it as in 2023-11-16 18:15:46.6805900`},
		{azure + "2023-11-16 18:15:46,many,44\n", `:2: ContextTokens: "many" is no count`},
		{azure + "2023-11-16 18:15:46,1,-44\n", ":2: GeneratedTokens is -44: give a number of tokens"},
		{azure + "2023-11-16 18:15:46,1,44\n2023-11-16 18:15:45,1,44\n", ":3: TIMESTAMP goes back: sort the lines by time"},
		{azure + "2023-11-16 18:15:46,1,44\n2024-11-16 18:15:45,1,44\n", ":3: TIMESTAMP is more than 100 days after the first: cut the trace"},
		{clients, ":2: there are no clients"},
		{clients + "a,0,1,much,1,1,1,1,1,1,1,1,1,1,1\n", `:2: rate_mean_per_s: "much" is no number of 0 or more`},
		{clients + "a,0,1,1\n", ":2: there are 4 cells for 15 columns"},
		{clients + "a,0,1,1,1,,,,,,,,,,\n", ":1: these are statistics of the clients of a: name one model behind the path"},
	} {
		path := filepath.Join(t.TempDir(), "bad.txt")
		require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
		_, err := Read(path)
		assert.ErrorContains(t, err, path+c.says, "%q", c.text)
	}
}

func TestReadOfDamagedArchive(t *testing.T) {
	whole, err := os.ReadFile(published(t, "azure-2023-code.csv.gz"))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "cut.csv.gz")
	require.NoError(t, os.WriteFile(path, whole[:len(whole)/2], 0o600))
	_, err = Read(path)
	assert.ErrorContains(t, err, "the file is cut short or damaged: get it anew")
}

func TestTracesAreCutAndStretched(t *testing.T) {
	whole := Trace{Requests: []Request{{At: 1 * time.Second}, {At: 2 * time.Second}, {At: 4 * time.Second, AnswerTokens: 9}, {At: 8 * time.Second}}}
	part := whole.Cut(2, 9)
	require.Len(t, part.Requests, 2)
	assert.Equal(t, []Request{{At: 2 * time.Second, AnswerTokens: 9}, {At: 6 * time.Second}}, part.Requests)
	fast := part.Stretch(2)
	assert.InDelta(t, 2, fast.Rate(), 1e-9)
	assert.Equal(t, 6*time.Second, part.Requests[1].At, "what was there before stays as it was")
	assert.Empty(t, whole.Cut(5, 2).Requests)
	assert.Equal(t, Trace{}, Trace{}.Stretch(3))

	drawn := fast.Poisson(1)
	assert.Equal(t, 9, drawn.Requests[0].AnswerTokens, "the order is kept")
	assert.NotEqual(t, fast.Requests[0].At, drawn.Requests[0].At)
}
