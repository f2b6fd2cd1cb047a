package policy

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// POLICIES.md has each policy once, and no other.
func TestPageHasEveryPolicy(t *testing.T) {
	page, err := os.ReadFile("../POLICIES.md")
	require.NoError(t, err)
	var told []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		told = append(told, row[1])
	}
	require.ElementsMatch(t, Names(), told)
}
