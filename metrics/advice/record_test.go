package advice

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestWhatIsRecordedIsBounded: with many upstreams each keeps less, and the newest stay.
func TestWhatIsRecordedIsBounded(t *testing.T) {
	var r record
	r.resize(5)
	for i := range 12 {
		r.add(Request{Slots: i})
	}
	slots := func() (list []int) {
		for _, q := range r.list() {
			list = append(list, q.Slots)
		}
		return list
	}
	assert.Equal(t, []int{7, 8, 9, 10, 11}, slots())
	r.resize(3)
	r.add(Request{Slots: 12})
	assert.Equal(t, []int{10, 11, 12}, slots())
	r.resize(4)
	r.add(Request{Slots: 13})
	assert.Equal(t, []int{10, 11, 12, 13}, slots())
	a := New(Options{})
	many := make([]Upstream, 50)
	for i := range many {
		many[i] = chat(4, 1)[0]
		many[i].Name = strconv.Itoa(i)
	}
	a.Configure(many)
	assert.Equal(t, 4000, a.upstreams["7"].log.most)
}

// TestAQuietForecastTakesNobodyAway who was needed within the week.
func TestAQuietForecastTakesNobodyAway(t *testing.T) {
	var b busiest
	for i := range 3 * 24 * 60 {
		q := Request{At: monday.Add(time.Duration(i) * time.Minute), Service: time.Second, Capacity: 1, Slots: 1}
		if i/60 == 30 {
			q.Service = 30 * time.Second // an hour on the second day
		}
		b.add(&q)
		if i == 60 {
			assert.Zero(t, b.most(), "less than a day was seen")
		}
	}
	assert.InEpsilon(t, 0.5, b.most(), 1e-9)
	q := Request{At: monday.Add(9 * 24 * time.Hour), Service: time.Second, Capacity: 1, Slots: 1}
	b.add(&q)
	assert.InEpsilon(t, 1.0/60, b.most(), 1e-9, "a week later it is forgotten")
}
