package autoscale

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNamesOfStates(t *testing.T) {
	for s := Starting; s <= Failed; s++ {
		read, known := ParseState(s.String())
		assert.True(t, known)
		assert.Equal(t, s, read)
	}
	_, known := ParseState("away")
	assert.False(t, known)
	assert.Equal(t, "state 9", State(9).String())
}
