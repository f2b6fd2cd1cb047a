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

// TestReadmeStaysShort keeps it a page for newcomers: what only few need to know stands on the pages that it names.
func TestReadmeStaysShort(t *testing.T) {
	if n := strings.Count(read(t, "README.md"), "\n"); n > 250 {
		t.Errorf("README.md has %d lines: move what a newcomer does not need to the pages that CONTRIBUTING.md lists", n)
	}
}

// TestReadmeNamesEveryPage: nobody finds what it does not lead to.
func TestReadmeNamesEveryPage(t *testing.T) {
	readme := read(t, "README.md")
	for _, page := range pages() {
		if page != "README.md" && !strings.Contains(readme, "("+page+")") {
			t.Errorf("README.md does not name %s: add it to the table of where to look next", page)
		}
	}
}

// TestMakeKeepsThePromises looks at what the two commands that a newcomer starts with would do: nothing that needs more
// than Go.
func TestMakeKeepsThePromises(t *testing.T) {
	const forTests = `GOFLAGS="$GOFLAGS -pgo=off -ldflags=-w" go`
	for target, want := range map[string]string{
		"run":  "CGO_ENABLED=0 go build -trimpath  -o bin/steelyard ./cmd/steelyard\nbin/steelyard demo",
		"test": forTests + " list -export -deps ./cmd/steelyard >/dev/null\n" + forTests + " test -vet=off ./...",
	} {
		c := exec.Command("make", "--no-print-directory", "-n", target)
		c.Dir = root
		c.Env = []string{"PATH=" + os.Getenv("PATH")} // a make above us would add to the output
		said, err := c.CombinedOutput()
		require.NoError(t, err, "%s", said)
		require.Equal(t, want, strings.TrimSpace(string(said)))
	}
}

// TestReadmeConfigurationIsTheExample holds the README's ten lines to the file it says they are.
func TestReadmeConfigurationIsTheExample(t *testing.T) {
	found := blocks(t, "README.md", "yaml")
	require.NotEmpty(t, found)
	text := found[0]
	require.Equal(t, 10, strings.Count(text, "\n"), "the README says that it has ten lines")
	shown, err := configs.Parse("README.md", []byte(text), nil)
	require.NoError(t, err)
	example, err := configs.Load(filepath.Join(root, "configs/gateway.yaml"), nil)
	require.NoError(t, err)
	require.Equal(t, example, shown)
}

// TestReadmeFiguresWereMeasured holds the mean response times of the policies to the row that they are from.
func TestReadmeFiguresWereMeasured(t *testing.T) {
	measured := rows(t, "bench/RESULTS.md", "`case-study` .*")
	require.Len(t, measured, 1)
	_, text, found := strings.Cut(read(t, "README.md"), "\n## Which policy for which work\n")
	require.True(t, found)
	text, _, _ = strings.Cut(text, "\n## ")
	figures := regexp.MustCompile(`(\d+\.\d) ms`).FindAllStringSubmatch(text, -1)
	require.Len(t, figures, 4, "of the ten lines, of two additions, and of nginx")
	for _, m := range figures {
		require.True(t, slices.ContainsFunc(measured[0], func(cell string) bool { return strings.Trim(cell, "*") == m[1] }), "%s ms was not measured", m[1])
	}
}
