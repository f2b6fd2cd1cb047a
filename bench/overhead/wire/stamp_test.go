package wire

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// However a proxy cuts the stream, every stamp is found once, in order.
func TestStampsSurviveAnyCut(t *testing.T) {
	var stream []byte
	var want []int64
	one := []byte(chunk)
	for i := range 40 {
		at := int64(i)<<40 | 0xbeef
		putStamp(one[stampAt:], at)
		stream = append(stream, one...)
		want = append(want, at)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, longest := range []int{1, 2, 5, stampSize - 1, stampSize, stampSize + 1, 100, 400, len(stream)} {
		for range 50 {
			var got []int64
			var s stamps
			for rest := stream; len(rest) > 0; {
				n := min(len(rest), 1+r.IntN(longest))
				s.scan(rest[:n], func(at int64) { got = append(got, at) })
				rest = rest[n:]
			}
			require.Equal(t, want, got, "pieces of at most %d bytes", longest)
		}
	}
}

func TestStampRoundTrip(t *testing.T) {
	p := make([]byte, stampDigits)
	for _, at := range []int64{0, 1, 0xabcdef, 1<<62 + 12345} {
		putStamp(p, at)
		require.Equal(t, at, stampOf(p))
	}
}
