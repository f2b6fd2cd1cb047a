package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

func TestExitCodes(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("listen: 7\n"), 0o600))
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{"version"}, 0},
		{[]string{"help"}, 0},
		{[]string{"check", "--config", "../../configs/gateway.yaml"}, 0},
		{[]string{"check", "--config", bad}, 2},
		{[]string{"serve", "--config", bad}, 2},
		{[]string{"serve", "--config", bad + ".none"}, 2},
		{[]string{"serve"}, 2},
		{[]string{"serve", "--nope"}, 2},
		{[]string{"version", "extra"}, 2},
		{[]string{"nope"}, 2},
	} {
		require.Equal(t, c.code, run(c.args), "%v", c.args)
	}
}

// TestFlagsTakeOneWord looks at each flag's line of help: what stands between back quotes in its text is taken for the
// name of its value, whatever it is.
func TestFlagsTakeOneWord(t *testing.T) {
	line, seen := regexp.MustCompile("^ +(-[a-z], )?--[a-z-]+( [A-Za-z0-9.:]+)? {2,}[^ `][^`]*$"), 0
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		for flag := range strings.Lines(c.LocalFlags().FlagUsages()) {
			require.Regexp(t, line, flag, c.CommandPath())
			seen++
		}
		for _, inner := range c.Commands() {
			look(inner)
		}
	}
	look(rootCommand())
	require.Greater(t, seen, 25)
}
