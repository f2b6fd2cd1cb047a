package admission_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/proxy/admission"
)

func TestShedding(t *testing.T) {
	var s admission.Shedding
	assert.False(t, s.Turns(0))
	s.Set(5)
	assert.True(t, s.Turns(0))
	assert.True(t, s.Turns(4))
	assert.False(t, s.Turns(5), "those below, not those at it")
	s.Set(0)
	assert.False(t, s.Turns(0))
	var none *admission.Shedding
	assert.False(t, none.Turns(0))
}
