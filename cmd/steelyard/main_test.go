package main

import (
	"os"
	"path/filepath"
	"testing"

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
