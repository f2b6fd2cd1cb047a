package e2e

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHardships goes through those bad days that are about right and wrong and short. The others are figures of memory and
// time, which a busy machine would make wrong.
func TestHardships(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("bench/hardship needs Linux")
	}
	bench := filepath.Join(t.TempDir(), "hardship")
	build, err := exec.Command("go", "build", "-o", bench, "../hardship").CombinedOutput()
	require.NoError(t, err, string(build))
	for _, name := range []string{
		"log-reader", "reload-draining", "reload-start", "slow-uploads", "started-uploads", "work-lost", "server-lost", "hung-server",
	} {
		t.Run(name, func(t *testing.T) {
			run := exec.CommandContext(t.Context(), bench, "-alone", "-binary", binary, "-only", name)
			said, err := run.CombinedOutput()
			require.NoError(t, err, string(said))
		})
	}
}
