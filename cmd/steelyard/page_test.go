package main

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPageHasEveryExitCode(t *testing.T) {
	page, err := os.ReadFile("COMMANDS.md")
	require.NoError(t, err)
	var told []int
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \|`).FindAllStringSubmatch(string(page), -1) {
		code, err := strconv.Atoi(row[1])
		require.NoError(t, err)
		told = append(told, code)
	}
	require.Equal(t, []int{0, exitFailed, exitBad}, told)
}
