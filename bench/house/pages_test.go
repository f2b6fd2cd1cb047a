package house

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// pages are all that is written for people, below root.
var pages = sync.OnceValue(func() (list []string) {
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".")):
			return filepath.SkipDir
		case !entry.IsDir() && strings.HasSuffix(name, ".md"):
			list = append(list, filepath.ToSlash(strings.TrimPrefix(path, filepath.FromSlash(root)+string(filepath.Separator))))
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	return list
})

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
	return found
}

// row is one row of a page's table, its cells without the space around them.
type row []string

// rows are the rows of all tables of a page whose first cell fits.
func rows(t *testing.T, page, first string) []row {
	t.Helper()
	fits := regexp.MustCompile("^" + first + "$")
	var found []row
	for line := range strings.Lines(read(t, page)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if strings.HasPrefix(line, "|") && fits.MatchString(cells[0]) {
			found = append(found, cells)
		}
	}
	return found
}

// TestCommandsAreKnown holds the commands of the pages to the two kinds that a test runs: bench/e2e runs the program
// and curl against it, and what make does is looked at here.
func TestCommandsAreKnown(t *testing.T) {
	known := regexp.MustCompile(`^(make [a-z-]+|curl .*|bin/steelyard (check|serve) --config configs/gateway\.yaml|bin/steelyard usage( --(by|from|to|format) [a-z0-9-]+)+|bin/steelyard bench (list|run [a-z-]+( --simulate)?))$`)
	checked := 0
	for _, page := range pages() {
		for _, block := range blocks(t, page, "sh") {
			for line := range strings.Lines(strings.ReplaceAll(block, "\\\n", " ")) {
				if !known.MatchString(strings.TrimSpace(line)) {
					t.Errorf("no test runs the command %q of %s: teach TestCommandsOfPages in bench/e2e to, then allow it here", line, page)
				}
				checked++
			}
		}
	}
	require.Greater(t, checked, 10)
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
	for _, page := range append([]string{".ci/run", "bench/e2e/doc.go", "bench/house/doc.go"}, pages()...) {
		for _, m := range named.FindAllStringSubmatch(read(t, page), -1) {
			if !slices.Contains(targets, m[1]) {
				t.Errorf("%s names `make %s`, which the Makefile has not", page, m[1])
			}
		}
	}
}

// TestLinksLead to files that are there, and to headings of theirs.
func TestLinksLead(t *testing.T) {
	checked := 0
	for _, page := range pages() {
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(read(t, page), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := filepath.Join(filepath.Dir(page), file)
			if file == "" {
				target = page
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
			} else if anchor != "" && !slices.Contains(anchors(read(t, target)), anchor) {
				t.Errorf("%s links to %s, and %s has no such heading: it has %s", page, m[1], target, anchors(read(t, target)))
			}
			checked++
		}
	}
	require.Greater(t, checked, 40)
}

// anchors are the names by which links lead to the headings of a page.
func anchors(text string) (names []string) {
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		plain := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		names = append(names, strings.ReplaceAll(strings.TrimSpace(plain), " ", "-"))
	}
	return names
}
