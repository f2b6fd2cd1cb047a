package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/steelyard-proxy/steelyard/proxy/requestlog"
	"github.com/stretchr/testify/require"
)

func TestExitCodes(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("listen: 7\n"), 0o600))
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{"version"}, 0},
		{[]string{"--version"}, 0},
		{[]string{"help"}, 0},
		{[]string{"check", "--config", "../../configs/gateway.yaml"}, 0},
		{[]string{"check", "../../configs/gateway.yaml"}, 0},
		{[]string{"check", "--config", bad}, 2},
		{[]string{"check", bad}, 2},
		{[]string{"serve", "--config", bad}, 2},
		{[]string{"serve", "--config", bad + ".none"}, 2},
		{[]string{"serve"}, 2},
		{[]string{"serve", "--nope"}, 2},
		{[]string{"version", "extra"}, 2},
		{[]string{"nope"}, 2},
	} {
		require.Equal(t, c.code, run(c.args), "%v", c.args)
	}
}

// TestWrongCommandLines are told in one line what was wanted.
func TestWrongCommandLines(t *testing.T) {
	folder := t.TempDir()
	log := recorded(t, 300)
	model := filepath.Join(folder, "work.json")
	require.Zero(t, run([]string{"train", "--data", log, "--out", model}))
	for line, want := range map[string]string{
		"help nope":                                          `unknown command "nope" for "steelyard": known here: advise, agent, alerts, bench, check, completion, demo, help, predict, ready, register, serve, service, train, usage, version`,
		"help trian":                                         `unknown command "trian" for "steelyard": did you mean "train"?`,
		"help train x":                                       `steelyard train has no commands of its own, such as "x"`,
		"completion bsh":                                     `unknown command "bsh" for "steelyard completion": did you mean "bash"?`,
		"train FILE.csv":                                     `"FILE.csv" is not a flag: give a request log with --data FILE.csv`,
		"predict FILE.csv":                                   `"FILE.csv" is not a flag: give a request log with --data FILE.csv`,
		"train --epochs 1e9":                                 `--epochs must be a whole number from 1 to 100000, is "1e9"`,
		"train --test half":                                  `--test must be a number from 0.01 to 0.9, is "half"`,
		"train --seed -1":                                    `--seed must be a whole number from 0 to 18446744073709551615, is "-1"`,
		"train --force=maybe":                                `--force must be true or false, is "maybe"`,
		"serve --nope":                                       `unknown flag: --nope: known here: --config, --help`,
		"serve --conf a.yaml":                                `unknown flag: --conf: did you mean "--config"?`,
		"check --configuration a":                            `unknown flag: --configuration: did you mean "--config"?`,
		"check --file a.yaml":                                `unknown flag: --file: known here: --config, --help`,
		"serve -config a.yaml":                               `unknown flag: -config: did you mean "--config"?`,
		"check -config=a.yaml":                               `unknown flag: -config: did you mean "--config"?`,
		"train -seed 1":                                      `unknown flag: -seed: did you mean "--seed"?`,
		"serve -x":                                           `unknown flag: -x: see steelyard serve --help`,
		"serve --version":                                    `unknown flag: --version: say steelyard --version`,
		"train --sed 1":                                      `unknown flag: --sed: did you mean "--seed"?`,
		"serve":                                              `no configuration: name a file, as in steelyard serve FILE`,
		"check a.yaml b.yaml":                                `unexpected argument "b.yaml": give one configuration file`,
		"check -c a.yaml b.yaml":                             `unexpected argument "b.yaml": give one configuration file`,
		"bench run case-study --requests abc":                `--requests must be a whole number from 1 on, is "abc"`,
		"bench run case-study --requests 0100":               `--requests must be a whole number from 1 on, is "0100": write 100`,
		"bench run case-study --requests 1_0":                `--requests must be a whole number from 1 on, is "1_0": write 10`,
		"bench run case-study --seed 0x10":                   `--seed must be a whole number from 0 to 18446744073709551615, is "0x10"`,
		"bench run case-study --rate +010.5":                 `--rate must be a number > 0, is "+010.5": write 10.5`,
		"train --data " + folder:                             "--data " + folder + ": it is a folder; give the path of a request log (CSV)",
		"train --data nofile.csv":                            "--data nofile.csv: cannot be read: no such file or directory; give the path of a request log (CSV)",
		"predict --prompt-bytes 99999999999999999999":        `--prompt-bytes must be a whole number from 0 to 9223372036854775807, is "99999999999999999999"`,
		"predict --max-tokens 1 --model-file " + folder:      "read what was learned: " + folder + " is no file: give the path of one; name with --model-file what steelyard train --out, or a predict.file, has saved",
		"predict --max-tokens 1 --model-file nofile":         "read what was learned: stat nofile: no such file or directory; name with --model-file what steelyard train --out, or a predict.file, has saved",
		"predict --model-file " + model + " --data " + model: model + `:1:1: unknown column "{": known here: ` + strings.Join(requestlog.Columns, ", "),
		"demo --listen foo --no-load":                        "--listen foo: give HOST:PORT, for example 127.0.0.1:8080",
		"demo --admin 127.0.0.1:99999":                       "--admin 127.0.0.1:99999: the port must be a number from 0 to 65535",
	} {
		out, said, code := output(t, strings.Fields(line)...)
		require.Equal(t, 2, code, line)
		require.Equal(t, "steelyard: "+want+"\n", said, line)
		require.Empty(t, out, line)
	}
}

// TestCheckTakesAFile with and without the flag's name.
func TestCheckTakesAFile(t *testing.T) {
	const file = "../../configs/gateway.yaml"
	byName, said, code := output(t, "check", "--config", file)
	require.Zero(t, code, said)
	alone, said, code := output(t, "check", file)
	require.Zero(t, code, said)
	require.Equal(t, byName, alone)
}

// TestAHalfToldRequestIsPredicted, as the help of predict says.
func TestAHalfToldRequestIsPredicted(t *testing.T) {
	model := filepath.Join(t.TempDir(), "work.json")
	require.Zero(t, run([]string{"train", "--data", recorded(t, 300), "--out", model}))
	for _, flag := range []string{"--prompt-bytes", "--max-tokens"} {
		require.Zero(t, run([]string{"predict", "--model-file", model, flag, "100"}))
	}
	help, _, code := output(t, "help", "predict")
	require.Zero(t, code)
	require.Contains(t, help, "--prompt-bytes, --max-tokens or both")
	require.Contains(t, help, "[--max-tokens N]")
}

// output runs a command line with standard output and error in files.
func output(t *testing.T, args ...string) (out, said string, code int) {
	t.Helper()
	outFile, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer outFile.Close()
	saidFile, err := os.Create(filepath.Join(t.TempDir(), "said"))
	require.NoError(t, err)
	defer saidFile.Close()
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = outFile, saidFile
	code = run(args)
	os.Stdout, os.Stderr = stdout, stderr
	outText, err := os.ReadFile(outFile.Name())
	require.NoError(t, err)
	saidText, err := os.ReadFile(saidFile.Name())
	require.NoError(t, err)
	return string(outText), string(saidText), code
}

// TestFlagsTakeOneWord looks at each flag's line of help: what stands between back quotes in its text is taken for the
// name of its value, whatever it is.
func TestFlagsTakeOneWord(t *testing.T) {
	line, seen := regexp.MustCompile("^ +(-[a-z], )?--[a-z-]+( [A-Za-z0-9.:]+)? {2,}[^ `][^`]*$"), 0
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		for flag := range strings.Lines(c.LocalFlags().FlagUsages()) {
			require.Regexp(t, line, flag, c.CommandPath())
			seen++
		}
		for _, inner := range c.Commands() {
			look(inner)
		}
	}
	look(rootCommand())
	require.Greater(t, seen, 25)
}
