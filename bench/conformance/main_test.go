package conformance

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/steelyard-proxy/steelyard/bench/bare"
)

func TestMain(m *testing.M) {
	bare.IfAsked()
	flag.Parse()
	os.Exit(runMain(m))
}

func runMain(m *testing.M) int {
	name := os.Getenv("STEELYARD_CONFORMANCE_TARGET")
	if name == "" {
		name = "steelyard"
	}
	var ok bool
	if target, ok = kinds[name]; !ok {
		fmt.Fprintf(os.Stderr, "STEELYARD_CONFORMANCE_TARGET: unknown target %q: give steelyard, nginx, haproxy or bare\n", name)
		return 2
	}
	nextPort.Store(rand.Int32N(20000)) // not where a suite that was started beside this one begins
	if name == "steelyard" {
		dir, err := os.MkdirTemp("", "conformance")
		if err == nil {
			defer os.RemoveAll(dir)
			target.binary, err = build(dir)
		}
		if err == nil {
			sources, err = findSources()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	// A case is a process and three sockets that mostly wait for each other: far more of them than cores may run.
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == parallel.DefValue {
		parallel.Value.Set("16")
	}
	code := m.Run()
	tally.report(os.Stderr)
	return code
}

// build compiles the program as it is in this tree. Its race detector is asked for apart from that of the tests, which
// share no memory with it: it makes each of a thousand processes start several times slower.
func build(dir string) (string, error) {
	binary := filepath.Join(dir, "steelyard")
	race := "-race=" + strconv.FormatBool(os.Getenv("STEELYARD_CONFORMANCE_RACE") != "")
	cmd := exec.Command("go", "build", race, "-o", binary, "./cmd/steelyard")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build steelyard: %w\n%s", err, out)
	}
	return binary, nil
}

// sources are the directories that the program is made of, for [noteInputs].
var sources []string

// findSources asks the go command; the order of its answer does not matter.
func findSources() ([]string, error) {
	const ours = `{{with .Module}}{{if .Main}}{{$.Dir}}{{end}}{{end}}`
	cmd := exec.Command("go", "list", "-deps", "-f", ours, "./cmd/steelyard")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list the packages of steelyard: %w", err)
	}
	return strings.Fields(string(out)), nil
}

// noteInputs makes the go command run these tests again when the program has changed, or another is to be tested: it
// looks at what a test reads while it runs, and knows nothing of a binary built before.
var noteInputs = sync.OnceFunc(func() {
	os.Getenv("STEELYARD_CONFORMANCE_TARGET")
	os.Getenv("STEELYARD_CONFORMANCE_RACE")
	for _, dir := range sources {
		os.ReadDir(dir)
	}
})

// tally counts cases over all groups.
var tally score

type score struct {
	mu     sync.Mutex
	cases  int      // under mu; by every case
	failed []string // under mu; by every case that fails
}

func (s *score) count(name string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cases++
	if !ok {
		s.failed = append(s.failed, name)
	}
}

func (s *score) report(to *os.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.failed)
	fmt.Fprintf(to, "conformance of %s: %d cases, %d failed\n", target.name, s.cases, len(s.failed))
	if len(s.failed) > 0 {
		fmt.Fprintf(to, "  %s\n", strings.Join(s.failed, "\n  "))
	}
}
