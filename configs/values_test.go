package configs

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBytes(t *testing.T) {
	for text, want := range map[string]Bytes{
		"0": 0, "1": 1, "4096": 4096, "8KiB": 8192, "64MiB": 64 << 20, "1GiB": 1 << 30, "2TiB": 2 << 40, "-1": -1,
		"8388607TiB": 8388607 << 40, "0KiB": 0,
	} {
		got, err := ParseBytes(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		again, err := ParseBytes(got.String())
		require.NoError(t, err, text)
		require.Equal(t, got, again, text)
	}
	for _, text := range []string{
		"", "KiB", "8KB", "8K", "8kib", "8 KiB", "1.5MiB", "+1", "010", "1_000", "0x10", "1e3", "8388608TiB", "99999999999999999999",
		"-99999999TiB", "KiB8", "8KiBKiB",
	} {
		_, err := ParseBytes(text)
		require.Error(t, err, text)
	}
}

func TestBytesPrintsTheShortestExactForm(t *testing.T) {
	for want, size := range map[string]Bytes{"0": 0, "1023": 1023, "1KiB": 1024, "1025": 1025, "1536KiB": 1536 << 10, "1GiB": 1 << 30, "-2KiB": -2048} {
		require.Equal(t, want, size.String())
	}
}

func TestStatusRange(t *testing.T) {
	for text, want := range map[string]StatusRange{"429": {429, 429}, "200-299": {200, 299}, "500-500": {500, 500}} {
		got, err := ParseStatusRange(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "-", "200-", "-299", "2xx", "200-299-300", "200 - 299", "+200", "70000"} {
		_, err := ParseStatusRange(text)
		require.Error(t, err, text)
	}
	success := StatusRange{200, 299}
	for status, inside := range map[int]bool{199: false, 200: true, 299: true, 300: false} {
		require.Equal(t, inside, success.Contains(status), status)
	}
	require.Equal(t, "200-299", success.String())
	require.Equal(t, "429", StatusRange{429, 429}.String())
}

func TestFormatDuration(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "2s": 2 * time.Second, "100ms": 100 * time.Millisecond, "1m15s": 75 * time.Second, "10m": 10 * time.Minute,
		"20h": 20 * time.Hour, "1h0m5s": time.Hour + 5*time.Second, "1h10m": 70 * time.Minute, "-10m": -10 * time.Minute,
	} {
		require.Equal(t, want, formatDuration(d))
		again, err := time.ParseDuration(want)
		require.NoError(t, err)
		require.Equal(t, d, again)
	}
}
