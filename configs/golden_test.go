package configs

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files from what the code says now")

// TestGood loads each testdata/*.good.yaml and compares the resolved configuration with the *.golden beside it. Lines
// "# env: NAME=value" in a file are its environment.
func TestGood(t *testing.T) {
	forEachFile(t, "*.good.yaml", func(t *testing.T, file string, env []string) string {
		cfg, err := Load(file, env)
		require.NoError(t, err)
		text, err := cfg.YAML()
		require.NoError(t, err)
		again, err := Parse(file, text, nil)
		require.NoError(t, err, "the printed configuration is refused:\n%s", text)
		require.Equal(t, cfg, again)
		return string(text)
	})
}

// TestBad loads each testdata/*.bad.yaml and compares the errors with the *.golden beside it.
func TestBad(t *testing.T) {
	forEachFile(t, "*.bad.yaml", func(t *testing.T, file string, env []string) string {
		cfg, err := Load(file, env)
		require.Nil(t, cfg)
		var problems *Errors
		require.ErrorAs(t, err, &problems)
		for _, problem := range problems.List {
			require.NotEmpty(t, problem.Place)
			require.NotEmpty(t, problem.What)
			require.NotEmpty(t, problem.Remedy, problem)
		}
		return err.Error() + "\n"
	})
}

// forEachFile copies each matching file into a folder with certificates, and holds what judge says about it, with the
// folder written as $DIR, against the golden file.
func forEachFile(t *testing.T, pattern string, judge func(t *testing.T, file string, env []string) string) {
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			folder := certificateFolder(t)
			copied := filepath.Join(folder, filepath.Base(file))
			require.NoError(t, os.WriteFile(copied, content, 0o600))

			said := judge(t, copied, envLines(string(content)))
			said = strings.ReplaceAll(said, copied, filepath.Base(file))
			said = strings.ReplaceAll(said, folder, "$DIR")

			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(said), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), said)
		})
	}
}

func envLines(content string) []string {
	var env []string
	for line := range strings.Lines(content) {
		if entry, found := strings.CutPrefix(line, "# env: "); found {
			env = append(env, strings.TrimSuffix(entry, "\n"))
		}
	}
	return env
}
