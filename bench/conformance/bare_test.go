package conformance

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheBareProxyCanBeAsked runs a case against it, in a suite of its own.
func TestTheBareProxyCanBeAsked(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestTargetForms$/^absolute$")
	cmd.Env = append(os.Environ(), "STEELYARD_CONFORMANCE_TARGET=bare")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "conformance of bare: 1 cases, 0 failed")
}
