package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/configs"
)

// pages are what a person reads first.
var pages = []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "proxy/LIFE.md", "metrics/METRICS.md", "bench/RESULTS.md"}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	return string(text)
}

// blocks are a page's fenced blocks of one language.
func blocks(t *testing.T, page, language string) []string {
	t.Helper()
	var found []string
	for _, m := range regexp.MustCompile("(?sm)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(read(t, page), -1) {
		found = append(found, m[1])
	}
	require.NotEmpty(t, found, "%s has no block of %s", page, language)
	return found
}

// TestReadmeCommandsAreKnown holds the README's commands to the two kinds that a test runs: bench/e2e runs the program
// and curl against it, and what make does is looked at here.
func TestReadmeCommandsAreKnown(t *testing.T) {
	known := regexp.MustCompile(`^(make [a-z-]+|curl .*|bin/steelyard (check|serve) --config configs/gateway\.yaml|bin/steelyard bench (list|run [a-z-]+( --simulate)?))$`)
	for _, block := range blocks(t, "README.md", "sh") {
		for line := range strings.Lines(strings.ReplaceAll(block, "\\\n", " ")) {
			if !known.MatchString(strings.TrimSpace(line)) {
				t.Errorf("no test runs the README's command %q: teach TestReadmeCommands in bench/e2e to, then allow it here", line)
			}
		}
	}
}

// TestMakeKeepsThePromises looks at what the two commands that a newcomer starts with would do: nothing that needs more
// than Go.
func TestMakeKeepsThePromises(t *testing.T) {
	for target, want := range map[string]string{
		"run":  "CGO_ENABLED=0 go build -trimpath  -o bin/steelyard ./cmd/steelyard\nbin/steelyard demo",
		"test": `GOFLAGS="$GOFLAGS -pgo=off -ldflags=-w" go test ./...`,
	} {
		c := exec.Command("make", "--no-print-directory", "-n", target)
		c.Dir = root
		c.Env = []string{"PATH=" + os.Getenv("PATH")} // a make above us would add to the output
		said, err := c.CombinedOutput()
		require.NoError(t, err, "%s", said)
		require.Equal(t, want, strings.TrimSpace(string(said)))
	}
}

// TestPagesNameTargetsThatExist covers the pages, the other files of the repository that tell people what to run, and
// the Makefile's own promise that each target says what it does.
func TestPagesNameTargetsThatExist(t *testing.T) {
	var targets []string
	for _, m := range regexp.MustCompile(`(?m)^([a-z0-9-]+):.*$`).FindAllStringSubmatch(read(t, "Makefile"), -1) {
		targets = append(targets, m[1])
		if !strings.Contains(m[0], " ## ") {
			t.Errorf("the Makefile's target %s does not say what it does: add it behind ##", m[1])
		}
	}
	named := regexp.MustCompile("(?m)(?:`|^ *|\\$\\(MAKE\\) |step \\w+ )make ([a-z][a-z0-9-]+)")
	for _, page := range append([]string{".ci/run", "bench/e2e/doc.go", "bench/house/doc.go"}, pages...) {
		for _, m := range named.FindAllStringSubmatch(read(t, page), -1) {
			if !slices.Contains(targets, m[1]) {
				t.Errorf("%s names `make %s`, which the Makefile has not", page, m[1])
			}
		}
	}
}

// TestReadmeConfigurationIsTheExample holds the README's ten lines to the file it says they are.
func TestReadmeConfigurationIsTheExample(t *testing.T) {
	text := blocks(t, "README.md", "yaml")[0]
	require.Equal(t, 10, strings.Count(text, "\n"), "the README says that it has ten lines")
	shown, err := configs.Parse("README.md", []byte(text), nil)
	require.NoError(t, err)
	example, err := configs.Load(filepath.Join(root, "configs/gateway.yaml"), nil)
	require.NoError(t, err)
	require.Equal(t, example, shown)
}

func TestLinksLead(t *testing.T) {
	for _, page := range pages {
		for _, m := range regexp.MustCompile(`\]\(([^):#]+)\)`).FindAllStringSubmatch(read(t, page), -1) {
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
			}
		}
	}
}
