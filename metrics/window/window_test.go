package window

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSumsAreThoseOfAPlainList of all events, at each resolution.
func TestSumsAreThoseOfAPlainList(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	w := New()
	var list []Count // one for each 10 s
	for range 3 * 24 * 360 {
		c := Count{All: uint64(random.IntN(100))}
		c.Bad = uint64(random.IntN(int(c.All) + 1))
		w.Advance(10 * time.Second)
		w.Add(c.All, c.Bad)
		list = append(list, c)
	}
	plain := func(n int) (sum Count) {
		for _, c := range list[len(list)-n:] {
			sum.All += c.All
			sum.Bad += c.Bad
		}
		return sum
	}
	for _, d := range []time.Duration{10 * time.Second, 5 * time.Minute, time.Hour} {
		got, known := w.Sum(d)
		assert.Equal(t, plain(int(d/(10*time.Second))), got, "%v: slots of 10 s", d)
		assert.Equal(t, d, known)
	}
	for _, d := range []time.Duration{6 * time.Hour, Kept} {
		got, known := w.Sum(d)
		want := plain(int(d / (10 * time.Second)))
		assert.InEpsilon(t, want.All, got.All, 0.005, "%v: but for the part of a slot", d)
		assert.InEpsilon(t, want.Bad, got.Bad, 0.005)
		assert.Equal(t, d, known)
	}
}

func TestWhatItHasSeen(t *testing.T) {
	w := New()
	_, known := w.Sum(time.Hour)
	assert.Zero(t, known)
	w.Advance(7 * time.Minute)
	w.Add(4, 1)
	sum, known := w.Sum(time.Hour)
	assert.Equal(t, Count{4, 1}, sum)
	assert.Equal(t, 7*time.Minute, known)
	w.Advance(-time.Hour)
	_, known = w.Sum(time.Hour)
	assert.Equal(t, 7*time.Minute, known, "time does not go back")
}

func TestALongGapEmptiesIt(t *testing.T) {
	w := New()
	w.Add(1000, 1000)
	w.Advance(1000 * Kept)
	for _, d := range []time.Duration{5 * time.Minute, time.Hour, 6 * time.Hour, Kept} {
		sum, known := w.Sum(d)
		assert.Zero(t, sum)
		assert.Equal(t, d, known)
	}
	w.Add(3, 2)
	w.Advance(2 * time.Hour)
	sum, _ := w.Sum(time.Hour)
	assert.Zero(t, sum)
	sum, _ = w.Sum(6 * time.Hour)
	assert.Equal(t, Count{3, 2}, sum)
}

func TestTextIsReadBack(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	w := New()
	for range 2000 {
		w.Advance(time.Duration(random.Int64N(int64(3 * time.Minute))))
		if random.IntN(3) == 0 {
			w.Add(uint64(random.IntN(1e6))+1, 1)
		}
	}
	text, err := w.MarshalText()
	require.NoError(t, err)
	again := New()
	require.NoError(t, again.UnmarshalText(text))
	for range 3 {
		for _, d := range []time.Duration{5 * time.Minute, time.Hour, 30 * time.Minute, 6 * time.Hour, Kept} {
			want, known := w.Sum(d)
			got, knownAgain := again.Sum(d)
			require.Equal(t, want, got)
			require.Equal(t, known, knownAgain)
		}
		w.Advance(7 * time.Minute)
		again.Advance(7 * time.Minute)
	}
	once, err := again.MarshalText()
	require.NoError(t, err)
	w.rings, again.rings = [len(tiers)]ring{}, [len(tiers)]ring{}
	require.NotEmpty(t, once)
}

// TestDamagedText is refused or is a window whose sums make sense; either way nothing panics.
func TestDamagedText(t *testing.T) {
	w := New()
	for i := range 500 {
		w.Advance(37 * time.Second)
		w.Add(uint64(i%7), uint64(i%7)/2)
	}
	text, err := w.MarshalText()
	require.NoError(t, err)
	want, _ := w.Sum(time.Hour)
	for i := range text {
		require.Error(t, New().UnmarshalText(text[:i]))
		damaged := append([]byte(nil), text...)
		damaged[i] ^= 1
		again := New()
		if again.UnmarshalText(damaged) != nil {
			continue
		}
		sum, known := again.Sum(Kept)
		require.LessOrEqual(t, sum.Bad, sum.All)
		require.LessOrEqual(t, known, Kept)
	}
	require.Error(t, w.UnmarshalText([]byte("x")))
	got, _ := w.Sum(time.Hour)
	require.Equal(t, want, got, "a refused text changes nothing")
}
