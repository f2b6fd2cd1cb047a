package usage

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestRowsTogetherCountAsOneByOne: of more upstreams and models than there are lanes, over hours, in an order that goes back at times.
func TestRowsTogetherCountAsOneByOne(t *testing.T) {
	var rows []Row
	zipfRows(20_000, 300, func(r *Row) {
		i := len(rows)
		r.At = noon.Add(time.Duration(i)*time.Second - time.Duration(i%50)*7*time.Second)
		r.Upstream, r.Model = fmt.Sprint("u", i%5), fmt.Sprint("m", i%3)
		r.Service, r.Work = r.Service.Truncate(time.Second), float64(i%4) // sums of whole numbers are the same in any order
		rows = append(rows, *r)
	})
	one, together := Open(Options{}), Open(Options{})
	for i := range rows {
		put(one, &rows[i])
	}
	for some := range slices.Chunk(rows, handedOn) {
		together.Add(some)
		require.Empty(t, together.lanes)
	}
	require.Equal(t, one.panes, together.panes)
	require.Equal(t, one.series, together.series)
	total := uint64(0)
	for _, span := range together.Hourly("u1", noon.Add(-24*time.Hour), noon.Add(48*time.Hour)) {
		total += uint64(span.Requests)
	}
	require.EqualValues(t, len(rows)/5, total)
}
