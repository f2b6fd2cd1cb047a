package e2e

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.."

// page is the text of a page, named from the root.
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	return string(text)
}

// pages are all there are, README.md first: commands of the others may come after its own.
func pages(t *testing.T) []string {
	t.Helper()
	list := []string{"README.md"}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != root && (name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if below, _ := filepath.Rel(root, path); strings.HasSuffix(name, ".md") && below != "README.md" {
			list = append(list, below)
		}
		return nil
	}))
	return list
}

// TestCommandsOfPages runs the commands of all pages as they stand, in their order, against the program: curl against a
// demo, whose addresses replace the usual ones, and the rest on the example that they name. What make does is held to
// its promise by bench/house.
func TestCommandsOfPages(t *testing.T) {
	need(t, "curl")
	d := startDemo(t)
	example, err := os.ReadFile("../../configs/gateway.yaml")
	require.NoError(t, err)
	listen, admin := freeAddress(t), freeAddress(t)
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	text := strings.NewReplacer("127.0.0.1:8080", listen, "127.0.0.1:9090", admin).Replace(string(example))
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	here := strings.NewReplacer(
		"http://127.0.0.1:8080", d.url, "http://127.0.0.1:9090", d.admin,
		"bin/steelyard usage", binary+" usage --admin "+d.admin, "bin/steelyard", binary, "configs/gateway.yaml", file, "curl ", "curl --fail-with-body --silent --show-error ",
	)

	ran := 0
	for _, name := range pages(t) {
		for _, block := range regexp.MustCompile("(?sm)^```sh\n(.*?)^```$").FindAllStringSubmatch(page(t, name), -1) {
			for line := range strings.Lines(strings.ReplaceAll(block[1], "\\\n", " ")) {
				if strings.HasPrefix(line, "make ") {
					continue
				}
				runCommand(t, here.Replace(strings.TrimSpace(line)), admin)
				ran++
			}
		}
	}
	require.Greater(t, ran, 10)
}

// runCommand runs one command; admin is where one that serves says that it is ready.
func runCommand(t *testing.T, command, admin string) {
	t.Helper()
	if strings.Contains(command, " bench run ") { // less of it, and elsewhere
		command += " --requests 300 --seeds 1 --out " + filepath.Join(t.TempDir(), "bench")
	}
	if strings.Contains(command, "text/event-stream' http") { // which has no end: 28 is that its time is over
		command, _, _ = strings.Cut(command, " #")
		command += " --max-time 1 || test $? -eq 28"
	}
	if strings.Contains(command, " serve ") {
		p := start(t, nil, "sh", "-c", "exec "+command)
		eventually(t, "it is ready", func() bool { return status("http://"+admin+"/readyz") == 200 })
		p.signal(t, syscall.SIGTERM)
		require.Zero(t, p.exits(t))
		return
	}
	said, err := exec.Command("sh", "-ec", command).CombinedOutput()
	require.NoError(t, err, "%s\n%s", command, said)
	require.NotEmpty(t, said, command)
}

// TestCommandsPageHasEveryFlag holds the table of commands to what the program says of itself.
func TestCommandsPageHasEveryFlag(t *testing.T) {
	said, err := exec.Command(binary, "help").Output()
	require.NoError(t, err)
	_, list, _ := strings.Cut(string(said), "Available Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	var commands []string
	for line := range strings.Lines(list) {
		if name := strings.Fields(line)[0]; name != "help" {
			commands = append(commands, name)
		}
	}
	var got []string
	// A row without a name goes on with the flags of the one above.
	more, table := regexp.MustCompile(`(?m)^(\| .steelyard [a-z ]+. \| )(.*?)( \| .*\|)\n\| \| (.*?) \| .*$`), page(t, "cmd/steelyard/COMMANDS.md")
	for more.MatchString(table) { // there may be several
		table = more.ReplaceAllString(table, "$1$2, $4$3")
	}
	flag := regexp.MustCompile(`--[a-z-]+`)
	for _, m := range regexp.MustCompile("(?m)^\\| `steelyard ([a-z ]+?)(?: NAME)?` \\| (.*?) ?\\| ").FindAllStringSubmatch(table, -1) {
		words := strings.Fields(m[1])
		got = append(got, words[0])
		help, err := exec.Command(binary, append(words, "--help")...).Output()
		require.NoError(t, err)
		_, section, _ := strings.Cut(string(help), "\nFlags:\n")
		var want []string
		for line := range strings.Lines(section) {
			if f := flag.FindString(line); f != "" && f != "--help" {
				want = append(want, f)
			}
		}
		require.ElementsMatch(t, want, flag.FindAllString(m[2], -1), "steelyard %s", m[1])
	}
	slices.Sort(got)
	require.Equal(t, commands, slices.Compact(got), "one row for each, or for each of its own commands")
}
