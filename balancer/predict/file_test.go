package predict

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// someSaved is a predictor that has learned, and the file it saved.
func someSaved(t testing.TB) (*Predictor, string) {
	t.Helper()
	p, random := New(Options{MinRows: 100}), newRandom(1)
	p.feed("plain", linear(0.2), 600, random)
	p.feed("wide", curved, 600, random)
	p.feed("nothing known", uninformed, 600, random)
	p.feed("new", linear(0.2), 20, random)
	path := filepath.Join(t.TempDir(), "work.json")
	require.NoError(t, p.Save(path))
	return p, path
}

func TestWhatIsSavedIsLoaded(t *testing.T) {
	p, path := someSaved(t)
	q := New(Options{MinRows: 100})
	require.NoError(t, q.Load(path))
	random := newRandom(2)
	for _, model := range []string{"plain", "wide", "nothing known", "new", "unknown"} {
		for range 100 {
			f := someFeatures(random)
			require.Equal(t, p.Work([]byte(model), f), q.Work([]byte(model), f), model)
		}
	}
	for i, m := range q.State().Models {
		before := p.stateOf(m.Model)
		before.Cleaned = Counts{} // is since the start
		require.Equal(t, before, m, "%d", i)
	}
	require.False(t, q.stateOf("new").Ready)

	again := filepath.Join(t.TempDir(), "again.json")
	require.NoError(t, q.Save(again))
	first, err := os.ReadFile(path)
	require.NoError(t, err)
	second, err := os.ReadFile(again)
	require.NoError(t, err)
	require.Equal(t, string(first), string(second))
}

func TestLearningGoesOnFromAFile(t *testing.T) {
	_, path := someSaved(t)
	q := New(Options{MinRows: 100})
	require.NoError(t, q.Load(path))
	f := Features{PromptBytes: 4000, MaxTokens: 500}
	before := q.Work([]byte("plain"), f)
	q.feed("plain", linear(0.2), 99, newRandom(3))
	require.Equal(t, before, q.Work([]byte("plain"), f), "few rows do not overrule the many of before")
	q.feed("plain", linear(0.2), 2000, newRandom(4))
	require.InEpsilon(t, 8, q.Work([]byte("plain"), f), 0.05)
	require.EqualValues(t, 600+99+2000, q.stateOf("plain").Rows)
}

func TestNothingToLoadYet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.json")
	require.NoError(t, New(Options{}).Load(path))
	require.ErrorIs(t, New(Options{}).Read(path), fs.ErrNotExist)
}

func TestDamagedFilesAreSetAside(t *testing.T) {
	_, good := someSaved(t)
	text, err := os.ReadFile(good)
	require.NoError(t, err)
	change := func(old, new string) string {
		require.Contains(t, string(text), old)
		return strings.Replace(string(text), old, new, 1)
	}
	for name, c := range map[string]struct{ text, says string }{
		"empty":        {"", "no JSON"},
		"garbage":      {"\x00\xff\x17garbage", "no JSON"},
		"truncated":    {string(text[:len(text)/2]), "no JSON"},
		"zeros":        {string(make([]byte, 4096)), "no JSON"},
		"null":         {"null", "no version"},
		"older":        {change(`"version": 1`, `"version": 0`), "version 0"},
		"newer":        {change(`"version": 1`, `"version": 2`), "version 2"},
		"unknown key":  {change(`"rule"`, `"ruler"`), "ruler"},
		"unknown rule": {change(`"rule": "regression"`, `"rule": "guess"`), "guess"},
		"unknown term": {change(`"prompt"`, `"promptness"`), "promptness"},
		"more behind":  {string(text) + "{}", "no JSON"},
		"twice":        {change(`"model": "plain"`, `"model": "wide"`), "name of its own"},
		"no scale":     {change(`"scale": `, `"scale": -`), "above zero"},
		"huge":         {change(`"intercept": `, `"intercept": 1e300, "intercept": 1e300, "mean": `), "beyond all reason"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "work.json")
			for range 2 { // the second does not take the place of the first
				require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
				p := New(Options{})
				err := p.Load(path)
				damaged, ok := errors.AsType[*DamagedError](err)
				require.True(t, ok, "%v", err)
				require.ErrorContains(t, err, c.says)
				require.ErrorContains(t, err, damaged.Aside)
				require.NoFileExists(t, path)
				kept, err := os.ReadFile(damaged.Aside)
				require.NoError(t, err)
				require.Equal(t, c.text, string(kept))
				require.Equal(t, 125.0, p.Work(nil, Features{PromptBytes: 500}), "goes on as if there were none")
			}
			asides, err := filepath.Glob(path + ".damaged-*")
			require.NoError(t, err)
			require.Len(t, asides, 2)
		})
	}
}

func TestReadLeavesADamagedFileWhereItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "requests.csv")
	require.NoError(t, os.WriteFile(path, []byte("time,upstream\n"), 0o600))
	_, ok := errors.AsType[*DamagedError](New(Options{}).Read(path))
	require.True(t, ok)
	require.FileExists(t, path)
}

func TestSaveLeavesNothingBehindWhenItFails(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "work.json")
	require.NoError(t, os.Mkdir(path, 0o700)) // cannot be replaced by a file
	require.ErrorContains(t, New(Options{}).Save(path), "save what was learned")
	require.ErrorContains(t, New(Options{}).Save(filepath.Join(folder, "none", "work.json")), "save what was learned")
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestModelsWithNamesThatJSONCannotHold(t *testing.T) {
	p := New(Options{MinRows: 10})
	for _, model := range []string{"\xff", "\xfe", "a\u2028b", "ä <b>\"\\"} {
		p.feed(model, linear(0.1), 60, newRandom(1))
	}
	path := filepath.Join(t.TempDir(), "work.json")
	require.NoError(t, p.Save(path))
	q := New(Options{MinRows: 10})
	require.NoError(t, q.Load(path))
	require.Len(t, q.State().Models, 2)
	require.True(t, q.stateOf("ä <b>\"\\").Ready)
}

// TestAForeignFileIsLeftWhereItIs: it may be worth much to somebody.
func TestAForeignFileIsLeftWhereItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"kind": "table", "version": 1}`), 0o600))
	err := New(Options{}).Load(path)
	foreign, ok := errors.AsType[*ForeignError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "table", foreign.Kind)
	require.EqualError(t, err, "read what was learned from "+path+`: it is a model of kind "table", which says nothing of requests; give what steelyard train has saved from a request log`)
	require.FileExists(t, path)
}

// TestAFileMustProveItsRule: one that was written by hand, or by a program that proved less,
// does not make a rule be used that is worse than the mean, or that few rows have made.
func TestAFileMustProveItsRule(t *testing.T) {
	_, path := someSaved(t)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		change func(*saved)
		ready  bool
		rule   Rule
	}{
		"as it was":     {func(*saved) {}, true, Regression},
		"worse":         {func(s *saved) { s.Scores["regression"] = score{R2: -1.7} }, true, Mean},
		"no better":     {func(s *saved) { s.Scores["regression"] = s.Scores["mean"] }, true, Mean},
		"without proof": {func(s *saved) { s.Scores = nil }, true, Mean},
		"by few rows":   {func(s *saved) { s.Rows, s.TunedAt = 89, 89 }, false, Hints},
	} {
		d, err := decode(text)
		require.NoError(t, err)
		plain := slices.IndexFunc(d.Models, func(s saved) bool { return s.Model == "plain" })
		c.change(&d.Models[plain])
		changed, err := json.Marshal(d)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, changed, 0o600))
		p := New(Options{})
		require.NoError(t, p.Load(path), name)
		require.Equal(t, c.ready, p.stateOf("plain").Ready, name)
		require.Equal(t, c.rule, p.stateOf("plain").Rule, name)
	}
}

// FuzzLoad holds every file that is accepted to what callers rely on.
func FuzzLoad(f *testing.F) {
	_, path := someSaved(f)
	text, err := os.ReadFile(path)
	require.NoError(f, err)
	f.Add(text)
	f.Add(text[:len(text)/3])
	f.Add(bytes.Replace(text, []byte(`"version": 1`), []byte(`"version": 2`), 1))
	f.Add([]byte(`{"version":1,"all":{"rule":"mean","scale":1,"mean":1,"least":1,"most":1,"setting":{}},"models":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := decode(text)
		if err != nil {
			return
		}
		p := New(Options{MaxModels: 8})
		p.adopt(d)
		for _, m := range p.State().Models {
			for _, x := range []Features{{}, {PromptBytes: math.MaxInt, MaxTokens: mostTokens, Stream: true}, {PromptBytes: 900, MaxTokens: 100}} {
				work := p.Work([]byte(m.Model), x)
				if !(work > 0) || math.IsInf(work, 0) {
					t.Fatalf("the work of %+v is %v", x, work)
				}
			}
		}
		again, err := json.Marshal(documentOf(p.table.Load()))
		require.NoError(t, err)
		_, err = decode(again)
		require.NoError(t, err, "what is read can be saved and read again")
		p.feed("m", linear(0.1), 50, newRandom(1))
	})
}
