package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/steelyard-proxy/steelyard/configs"
)

const top = "../.."

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(top, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestReadmeCommandsRun runs the README's shell blocks, and sees to it that each
// make target it names exists.
func TestReadmeCommandsRun(t *testing.T) {
	readme, makefile := read(t, "README.md"), read(t, "Makefile")
	for _, m := range regexp.MustCompile("make ([a-z][a-z0-9-]*)").FindAllStringSubmatch(readme, -1) {
		if !regexp.MustCompile(`(?m)^`+m[1]+`:`).MatchString(makefile) && m[1] != "a" {
			t.Errorf("README names make %s, which the Makefile has not", m[1])
		}
	}
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(readme, -1)
	if len(blocks) == 0 {
		t.Error("the README has no shell block")
	}
	for _, m := range blocks {
		c := exec.Command("sh", "-ec", m[1])
		c.Dir = top
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", m[1], err, out)
		}
	}
}

// TestReadmeConfigurationIsGood parses the README's configuration.
func TestReadmeConfigurationIsGood(t *testing.T) {
	m := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(read(t, "README.md"))
	if m == nil {
		t.Fatal("the README has no configuration")
	}
	if _, err := configs.Parse("README.md", []byte(m[1]), nil); err != nil {
		t.Error(err)
	}
}

// TestReadmeNamesEveryKey holds the README's table to the schema.
func TestReadmeNamesEveryKey(t *testing.T) {
	readme := read(t, "README.md")
	for _, m := range regexp.MustCompile("`yaml:\"([a-z_]+)").FindAllStringSubmatch(read(t, "configs/schema.go"), -1) {
		if !strings.Contains(readme, m[1]) {
			t.Errorf("the README's reference does not name the key %s", m[1])
		}
	}
}

// TestLinksLead sees to it that relative links lead to files.
func TestLinksLead(t *testing.T) {
	for _, page := range []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "proxy/LIFE.md", "bench/RESULTS.md"} {
		for _, m := range regexp.MustCompile(`\]\(([^):#]+)\)`).FindAllStringSubmatch(read(t, page), -1) {
			if _, err := os.Stat(filepath.Join(top, filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
			}
		}
	}
}
