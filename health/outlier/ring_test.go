package outlier

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRingKeepsTheNewest(t *testing.T) {
	var r ring[int]
	r.fit(3)
	all := func() (list []int) {
		for i := range r.n {
			list = append(list, *r.back(i))
		}
		return list
	}
	assert.Empty(t, all())
	for i := range 5 {
		r.push(i)
	}
	assert.Equal(t, []int{4, 3, 2}, all())
	r.fit(5)
	assert.Equal(t, []int{4, 3, 2}, all())
	r.push(5)
	assert.Equal(t, []int{5, 4, 3, 2}, all())
	r.fit(2)
	assert.Equal(t, []int{5, 4}, all())
	r.clear()
	assert.Empty(t, all())
}
