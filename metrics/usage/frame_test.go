package usage

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fullRow has something in each field.
func fullRow(n int) Row {
	return Row{
		At: time.Date(2026, 11, 30, 9, 0, 0, 1000*n, time.UTC), Upstream: "chat", Endpoint: "gpu1", Model: "meta-llama/Llama-3.1-8B", Class: "answered",
		User: UserID(fmt.Sprintf("user:%d", n)), Status: 200, Failure: "truncated", Phase: "stream",
		PromptBytes: 100 + n, MaxTokens: 256, PromptTokens: 30, CachedTokens: 16, CompletionTokens: 12, Written: 900, Stream: true,
		Queue: time.Millisecond, FirstByte: 20 * time.Millisecond, Service: 90 * time.Millisecond, Response: 100 * time.Millisecond,
		Overhead: 20 * time.Microsecond, ClientTimeout: 600 * time.Second, Retry: 2, RetrySaid: true, Attempts: 1, Begun: true,
		Capacity: 2.5, Slots: 8, Work: 0.75,
	}
}

// TestRowsComeBack as they were, the odd ones too.
func TestRowsComeBack(t *testing.T) {
	odd := Row{
		At: time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC), Upstream: strings.Repeat("u", 300), Model: "a\nb\x00\xff\"", Status: -5,
		PromptBytes: math.MaxInt, Response: -time.Hour, FirstByte: math.MaxInt64,
	}
	for _, want := range []Row{fullRow(1), {}, odd} {
		frame, what := nextFrame(appendFrame(nil, &want))
		require.Equal(t, aFrame, what)
		got, err := readRow(frame[frameHead:], texts{})
		require.NoError(t, err)
		want.Upstream = want.Upstream[:min(len(want.Upstream), mostText)]
		require.True(t, want.At.Equal(got.At) || want.At.IsZero())
		want.At, got.At = time.Time{}, time.Time{}
		want.FirstByte = want.FirstByte.Truncate(time.Microsecond)
		require.Equal(t, want, got)
	}
}

// segmentOf is a file with rows, and how long each is.
func segmentOf(rows int) (text []byte, ends []int) {
	text = []byte(magic)
	for n := range rows {
		r := fullRow(n)
		text = appendFrame(text, &r)
		ends = append(ends, len(text))
	}
	return text, ends
}

// rowsOf are the numbers of the rows that a file is read as; each must be as it was written.
func rowsOf(t *testing.T, text []byte) (numbers []int) {
	t.Helper()
	_, _, err := readRows(bytes.NewReader(text), 0, texts{}, func(r *Row) {
		n := r.At.Nanosecond() / 1000
		want := fullRow(n)
		require.True(t, want.At.Equal(r.At))
		want.At, r.At = time.Time{}, time.Time{}
		require.Equal(t, want, *r)
		numbers = append(numbers, n)
	})
	if err != nil {
		require.ErrorIs(t, err, errVersion)
	}
	return numbers
}

// TestATornEndIsLeft: of a file that was cut at any byte all whole rows are read, and nothing else.
func TestATornEndIsLeft(t *testing.T) {
	text, ends := segmentOf(8)
	for size := range len(text) + 1 {
		whole := 0
		for _, end := range ends {
			if end <= size {
				whole++
			}
		}
		require.Len(t, rowsOf(t, text[:size]), whole, size)
	}
}

// TestFlippedBits: a bit that is wrong costs the row that it is in, and no other becomes another.
func TestFlippedBits(t *testing.T) {
	text, ends := segmentOf(6)
	for bit := range 8 * len(text) {
		damaged := []byte(string(text))
		damaged[bit/8] ^= 1 << (bit % 8)
		got := rowsOf(t, damaged)
		if bit/8 < len(magic) {
			require.Empty(t, got)
			continue
		}
		hit := 0
		for ends[hit] <= bit/8 {
			hit++
		}
		want := []int{0, 1, 2, 3, 4, 5}
		require.Equal(t, append(want[:hit:hit], want[hit+1:]...), got, bit)
	}
}

// TestRubbishBetweenRows is skipped, even if it looks like the beginning of a row.
func TestRubbishBetweenRows(t *testing.T) {
	text, ends := segmentOf(4)
	for _, rubbish := range []string{"x", strings.Repeat("\x00", 5000), "\x10\x00\x00\x00abcd", strings.Repeat("\xff", 3<<20), string(text[len(magic) : ends[0]-1])} {
		damaged := string(text[:ends[1]]) + rubbish + string(text[ends[1]:])
		require.Equal(t, []int{0, 1, 2, 3}, rowsOf(t, []byte(damaged)))
	}
}

// TestNamesAreHarmless: whatever a client calls itself is one short line.
func TestNamesAreHarmless(t *testing.T) {
	for name, want := range map[string]string{
		"alice":            "alice",
		"Jörg Ünal 东京":     "Jörg Ünal 东京",
		"a\nb\r\t\x00":     `a\nb\r\t\x00`,
		"\xff\xfe":         `\xff\xfe`,
		`back\slash"quote`: `back\\slash"quote`,
		"rtl\u202etxt":     `rtl\u202etxt`,
	} {
		require.Equal(t, want, Harmless(name))
	}
	for _, long := range []string{strings.Repeat("x", 1<<20), strings.Repeat("\n", 1<<20), strings.Repeat("東", 1<<20), strings.Repeat("\xff", 1<<20)} {
		got := Harmless(long)
		require.LessOrEqual(t, len(got), mostName)
		require.GreaterOrEqual(t, len(got), mostName-12)
	}
}

// TestUsersAreHashed, keys always, and the same is the same user.
func TestUsersAreHashed(t *testing.T) {
	hashed, plain, off := NewIdentifier(Hashed, []byte("s1")), NewIdentifier(Plain, []byte("s1")), NewIdentifier(Off, nil)
	key := hashed.Of(ByKey, []byte("sk-secret"))
	require.Regexp(t, `^key:[0-9a-f]{12}$`, string(key))
	require.Equal(t, key, plain.Of(ByKey, []byte("sk-secret")))
	require.NotEqual(t, key, NewIdentifier(Hashed, []byte("s2")).Of(ByKey, []byte("sk-secret")))
	require.NotEqual(t, key[4:], hashed.Of(ByName, []byte("sk-secret"))[5:])
	require.Equal(t, UserID("user:alice"), plain.Of(ByName, []byte("alice")))
	require.Equal(t, UserID("addr:10.0.0.1"), plain.Of(ByAddress, []byte("10.0.0.1")))
	require.Regexp(t, `^user:[0-9a-f]{12}$`, string(hashed.Of(ByName, []byte("alice"))))
	require.Empty(t, off.Of(ByKey, []byte("sk-secret")))
	require.Empty(t, hashed.Of(NoSource, []byte("x")))
	require.Empty(t, hashed.Of(ByName, nil))
	name := []byte("alice")
	require.Zero(t, testing.AllocsPerRun(100, func() { hashed.Of(ByName, name) }))
}
