package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binary is the program under test; TestMain builds it before any test runs.
var binary string

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(serverVariable) != "":
		os.Exit(runServer(os.Getenv(serverVariable)))
	case os.Getenv("E2E") == "":
		fmt.Println("bench/e2e is skipped: it starts programs and needs Node; `make e2e` runs it")
	default:
		os.Exit(runAll(m))
	}
}

func runAll(m *testing.M) int {
	folder, err := os.MkdirTemp("", "steelyard-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	binary = filepath.Join(folder, "steelyard")
	if out, err := exec.Command("go", "build", "-o", binary, "../../cmd/steelyard").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build steelyard: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// need skips the test where a program is missing, or fails it where CI is set: there it must not pass unseen.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err == nil {
			continue
		}
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not installed, and CI is set: .ci/run installs it", program)
		}
		t.Skipf("%s is not installed", program)
	}
}
