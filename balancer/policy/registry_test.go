package policy

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLookup(t *testing.T) {
	for _, name := range Names() {
		b, err := Lookup(name)
		require.NoError(t, err)
		assert.Equal(t, name, b.Name(), "a builder goes by its configured name")
		assert.NotEmpty(t, Describe(name))
	}
	assert.True(t, slices.IsSorted(Names()))
}

func TestLookupUnknown(t *testing.T) {
	_, err := Lookup("capasity")
	require.Error(t, err)
	assert.Contains(t, err.Error(), `"capasity"`)
	assert.Contains(t, err.Error(), "the nearest are: capacity")
}

func TestDescribeUnknown(t *testing.T) { assert.Empty(t, Describe("capasity")) }

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"random", "random", 0},
		{"capasity", "capacity", 1}, {"least-load", "least_load", 1}, {"kitten", "sitting", 3},
	} {
		assert.Equal(t, test.want, distance(test.a, test.b), "%q to %q", test.a, test.b)
	}
}

func TestCapacityNamesItsOptions(t *testing.T) {
	start := func() uint64 { return 7 }
	assert.Equal(t, Capacity(CapacityOptions{}).Name(), Capacity(CapacityOptions{}).Name())
	assert.NotEqual(t, Capacity(CapacityOptions{}).Name(), Capacity(CapacityOptions{Start: start}).Name())
}
