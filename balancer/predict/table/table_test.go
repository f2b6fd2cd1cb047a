package table

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/predict"
)

// world makes a row: its features, and its label without noise.
type world func(*rand.Rand) ([]float64, float64)

// plane is 7 + 3·a − 0.5·b, of features in very unlike units.
func plane(r *rand.Rand) ([]float64, float64) {
	a, b := r.NormFloat64(), 1000+200*r.Float64()
	return []float64{a, b}, 7 + 3*a - 0.5*b
}

func rowsOf(w world, n int, noise float64) *Rows {
	random := rand.New(rand.NewPCG(1, 2))
	first, _ := w(random)
	var names []string
	for j := range first {
		names = append(names, "feature_"+strconv.Itoa(j+1))
	}
	rows := NewRows(names, "label")
	for range n {
		x, y := w(random)
		cells := make([]string, len(x))
		for j, v := range x {
			cells[j] = text(v)
		}
		rows.Add(cells, text(y+noise*random.NormFloat64()))
	}
	return rows
}

func text(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func TestFitRecoversTheCoefficients(t *testing.T) {
	for _, n := range []int{10, 100, 3000} {
		m, report, err := rowsOf(plane, n, 0).Fit(Options{Seed: 3})
		require.NoError(t, err)
		require.Equal(t, []int{n * 4 / 5, n / 5}, []int{report.Trained, report.Tested})
		require.InDelta(t, 3, m.Features[0].Weight, 0.01, "of %d rows", n)
		require.InDelta(t, -0.5, m.Features[1].Weight, 0.01, "of %d rows", n)
		require.InEpsilon(t, 7-0.5*1000, m.Predict([]float64{0, 1000}), 0.001, "of %d rows", n)
		require.Greater(t, report.Model.R2, 0.999)
		require.Less(t, report.Mean.R2, 0.1)
		require.True(t, report.Better())
		require.Less(t, report.Costs[len(report.Costs)-1], report.Costs[0]/1000)
	}
}

func TestScoresAreOfTheRowsSetApart(t *testing.T) {
	m, report, err := rowsOf(plane, 5000, 2).Fit(Options{})
	require.NoError(t, err)
	require.InEpsilon(t, 2, report.Model.RMSE, 0.1, "the noise is left")
	require.InEpsilon(t, 2*math.Sqrt(2/math.Pi), report.Model.MAE, 0.1)
	explained := 9 + 0.25*200*200/12
	require.InDelta(t, explained/(explained+4), report.Model.R2, 0.01)
	require.Equal(t, report.Model, m.Score)
}

func TestTheSeedDecides(t *testing.T) {
	fit := func(seed uint64) *Model {
		m, _, err := rowsOf(plane, 200, 1).Fit(Options{Seed: seed})
		require.NoError(t, err)
		return m
	}
	require.Equal(t, fit(1), fit(1))
	require.NotEqual(t, fit(1).Score, fit(2).Score)
}

// TestFeaturesThatGoTogether: what one of them says the other says too.
func TestFeaturesThatGoTogether(t *testing.T) {
	m, report, err := rowsOf(func(r *rand.Rand) ([]float64, float64) {
		a := r.NormFloat64()
		return []float64{a, a, 0.01 * r.NormFloat64()}, 4 * a
	}, 500, 0).Fit(Options{})
	require.NoError(t, err)
	require.Greater(t, report.Model.R2, 0.999)
	require.InDelta(t, 4, m.Features[0].Weight+m.Features[1].Weight, 0.01)
}

func TestManyFeatures(t *testing.T) {
	_, report, err := rowsOf(func(r *rand.Rand) ([]float64, float64) {
		x, y := make([]float64, 60), 0.0
		common := r.NormFloat64()
		for j := range x {
			x[j] = common + r.NormFloat64()
			y += float64(j) * x[j]
		}
		return x, y
	}, 1000, 0).Fit(Options{})
	require.NoError(t, err)
	require.Greater(t, report.Model.R2, 0.99)
}

func TestCleaning(t *testing.T) {
	rows := NewRows([]string{"a", "b"}, "y")
	for _, r := range [][3]string{
		{"1", "2", "3"}, {" 1.0", "2e0", "3 "}, {"1", "2", "4"}, {"-0", "0", "0"}, {"0", "0", "0"}, {"1e3", "0x1p-2", "5"},
		{"", "2", "3"}, {"1", "n/a", "3"}, {"1", "2", "NULL"}, {"1", " ", "3"},
		{"NaN", "2", "3"}, {"1", "2", "nan"},
		{"one", "2", "3"}, {"1", "2,5", "3"}, {"1", "2", "true"},
		{"inf", "2", "3"}, {"1", "-Infinity", "3"}, {"1", "1e999", "3"}, {"1", "2", "1e121"},
	} {
		rows.Add(r[:2], r[2])
	}
	rows.Misshapen()
	require.Equal(t, Counts{Kept: 4, Duplicate: 2, Missing: 4, NotANumber: 2, NotNumeric: 3, OutOfRange: 4, Misshapen: 1}, rows.Counts)
	require.Equal(t, []float64{1, 2, 1, 2, 0, 0, 1000, 0.25}, rows.x)
	require.Equal(t, []float64{3, 4, 0, 5}, rows.y)
}

func TestConstantColumns(t *testing.T) {
	with := func(third, label func(*rand.Rand) float64) *Rows {
		return rowsOf(func(r *rand.Rand) ([]float64, float64) {
			x, y := plane(r)
			if label != nil {
				y = label(r)
			}
			return append(x, third(r)), y
		}, 300, 0)
	}
	same := func(*rand.Rand) float64 { return 1e9 }
	m, report, err := with(same, nil).Fit(Options{})
	require.NoError(t, err)
	require.Equal(t, []string{"feature_3"}, report.Constant)
	require.Zero(t, m.Features[2].Weight)
	require.Greater(t, report.Model.R2, 0.999)
	_, _, err = with(same, same).Fit(Options{})
	require.EqualError(t, err, `the label "label" is 1e+09 in all rows: there is nothing to learn`)
	_, _, err = rowsOf(func(r *rand.Rand) ([]float64, float64) { return []float64{5}, r.Float64() }, 100, 0).Fit(Options{})
	require.EqualError(t, err, "each feature is the same in all rows: there is nothing to learn from")
}

// TestHugeValues: the units of the columns do not matter, up to what cannot be squared.
func TestHugeValues(t *testing.T) {
	for _, unit := range []float64{1e-100, 1e9, 1e117} {
		m, report, err := rowsOf(func(r *rand.Rand) ([]float64, float64) {
			a, b := r.Float64(), r.Float64()
			return []float64{a * unit, b}, (2*a + b) * unit
		}, 300, 0).Fit(Options{})
		require.NoError(t, err, unit)
		require.Greater(t, report.Model.R2, 0.999, unit)
		require.InEpsilon(t, 2, m.Features[0].Weight, 0.01, unit)
		require.InEpsilon(t, unit, m.Features[1].Weight, 0.01, unit)
	}
	_, _, err := rowsOf(func(r *rand.Rand) ([]float64, float64) {
		a := r.Float64()
		return []float64{a * 1e-200}, a * 1e119
	}, 300, 0).Fit(Options{})
	require.EqualError(t, err, "the model cannot be used: its numbers are beyond all reason: give the columns other units")
}

func TestTooFewRows(t *testing.T) {
	_, _, err := rowsOf(plane, 9, 0).Fit(Options{})
	require.EqualError(t, err, "there are 9 good rows, at least 10 are needed")
	wide := func(r *rand.Rand) ([]float64, float64) {
		x := make([]float64, 9)
		for j := range x {
			x[j] = r.Float64()
		}
		return x, r.Float64()
	}
	_, _, err = rowsOf(wide, 12, 0).Fit(Options{})
	require.EqualError(t, err, "there are 10 rows to learn 10 coefficients from: give more rows or fewer features")
}

// TestNoiseIsNoBetterThanTheMean, or hardly ever; a weak trace among many rows is.
func TestNoiseIsNoBetterThanTheMean(t *testing.T) {
	fit := func(n int, trace float64) (better int) {
		rows := rowsOf(func(r *rand.Rand) ([]float64, float64) {
			a := r.NormFloat64()
			return []float64{a, r.NormFloat64(), r.NormFloat64()}, trace*a + r.ExpFloat64()
		}, n, 0)
		for seed := range uint64(20) {
			_, report, err := rows.Fit(Options{Seed: seed, Epochs: 20})
			require.NoError(t, err)
			if report.Better() {
				better++
			}
		}
		return better
	}
	for _, n := range []int{30, 60, 1000} {
		require.LessOrEqual(t, fit(n, 0), 2, "of %d rows", n)
	}
	require.Equal(t, 20, fit(5000, 0.3))
}

func TestWhatIsSavedIsLoaded(t *testing.T) {
	m, _, err := rowsOf(plane, 100, 1).Fit(Options{})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "model.json")
	require.NoError(t, m.Save(path))
	saved, err := os.ReadFile(path)
	require.NoError(t, err)
	again, err := Decode(saved)
	require.NoError(t, err)
	require.Equal(t, m, again)
	require.ErrorContains(t, m.Save(filepath.Join(path, "no")), "save the model: ")
	require.ErrorContains(t, predict.New(predict.Options{}).Read(path), "says nothing of requests")
}

func TestDamagedModels(t *testing.T) {
	m, _, err := rowsOf(plane, 100, 0).Fit(Options{})
	require.NoError(t, err)
	good, err := json.Marshal(m)
	require.NoError(t, err)
	for old, c := range map[string][2]string{
		`{"kind"`:        {`{"king"`, "it is no model of a table"},
		`"table"`:        {`"chair"`, "it is no model of a table"},
		`"version":1`:    {`"version":2`, "it is of version 2, and this program reads version 1"},
		`"feature_2"`:    {`"feature_1"`, `it has two columns "feature_1"`},
		`"label":"label`: {`"label":"feature_1`, `it has two columns "feature_1"`},
		`"weight":`:      {`"weight":1e200,"weight":1e200,"mean":`, "beyond all reason"},
		`}]`:             {`}`, "it is no model of a table"},
	} {
		require.Contains(t, string(good), old)
		_, err := Decode(bytes.Replace(good, []byte(old), []byte(c[0]), 1))
		require.ErrorContains(t, err, c[1], old)
	}
	_, err = Decode(append(good, "{}"...))
	require.EqualError(t, err, "something follows its end")
	_, err = Decode(nil)
	require.ErrorContains(t, err, "it is no model of a table")
	_, err = Decode([]byte(`{"kind":"table","version":1,"label":"y"}`))
	require.EqualError(t, err, "it has no features")
}

// FuzzDecode holds every file that is accepted to predictions that are finite.
func FuzzDecode(f *testing.F) {
	m, _, err := rowsOf(plane, 100, 0).Fit(Options{})
	require.NoError(f, err)
	good, err := json.Marshal(m)
	require.NoError(f, err)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := Decode(text)
		if err != nil {
			return
		}
		for _, v := range []float64{0, largest, -largest} {
			x := make([]float64, len(m.Features))
			for j := range x {
				x[j] = v
			}
			if y := m.Predict(x); math.IsNaN(y) || math.IsInf(y, 0) {
				t.Fatal(fmt.Sprint("predicts ", y))
			}
		}
	})
}
