package anomaly

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// TestAnOutageIsNotDemand: who finds nobody asks again and again, which is the outage's doing.
func TestAnOutageIsNotDemand(t *testing.T) {
	for name, said := range map[string]int{"retries are told": 1, "retries are not told": 0} {
		t.Run(name, func(t *testing.T) {
			r := newRig()
			r.run(26*time.Hour, 2, 4, nil)
			began := r.now
			r.run(20*time.Minute, 2, 16, func(row *usage.Row) {
				row.Endpoint, row.Status, row.Failure, row.Phase, row.Service, row.Retry = "", 503, "no_endpoint", "queue", 0, said
			})
			up := r.up()
			require.Len(t, up, 1)
			assert.Equal(t, Outage, up[0].Symptom)
			assert.Equal(t, OfUpstream, up[0].Cause)
			assert.Less(t, up[0].Found.Sub(began), time.Minute)
			assert.Contains(t, up[0].Text, "100 % of the requests find no endpoint")
			r.run(20*time.Minute, 2, 4, nil)
			assert.Len(t, r.told, 2, "found, and over")
		})
	}
}

// TestRetriesAreNoDemand: of three tries one is demand.
func TestRetriesAreNoDemand(t *testing.T) {
	r := newRig()
	r.run(26*time.Hour, 2, 4, nil)
	i := 0
	r.run(20*time.Minute, 2, 12, func(row *usage.Row) {
		row.Retry = i % 3
		i++
	})
	assert.Empty(t, r.told)
}

// TestWhatStaysIsNormal: a server that is slow for a day is so for good, and its measures go on from there.
func TestWhatStaysIsNormal(t *testing.T) {
	r := newRig()
	r.run(2*time.Hour, 3, 5, nil)
	slow := slowAt("gpu2", 2)
	r.run(10*time.Minute, 3, 5, slow)
	require.Len(t, r.up(), 1)
	r.run(23*time.Hour, 3, 5, slow)
	require.Len(t, r.up(), 1)
	r.told = nil
	r.run(6*time.Hour, 3, 5, slow)
	assert.Empty(t, r.up())
	require.Len(t, r.told, 1, "its end, once")
	assert.Contains(t, r.told[0].Text, "taken for normal from now on")
	assert.Equal(t, true, r.told[0].Evidence["taken_for_normal"])
	r.run(10*time.Minute, 3, 5, slowAt("gpu2", 4))
	require.Len(t, r.up(), 1, "twice as slow as that is a fault again")
	assert.Equal(t, "gpu2", r.up()[0].Place.Endpoint)
}

// TestWhatFailsStaysAFault: a server that answers nothing is not normal, however long.
func TestWhatFailsStaysAFault(t *testing.T) {
	r := newRig()
	r.run(time.Hour, 2, 5, nil)
	r.run(26*time.Hour, 2, 5, func(row *usage.Row) {
		if row.Endpoint == "gpu1" {
			row.Status, row.Phase = 500, "first_byte"
		}
	})
	assert.Len(t, r.up(), 1)
	assert.Len(t, r.told, 1)
}
