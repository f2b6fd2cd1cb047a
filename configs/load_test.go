package configs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLoadSaysWhyAFileCannotBeRead(t *testing.T) {
	folder := t.TempDir()
	missing := filepath.Join(folder, "missing.yaml")
	for file, cause := range map[string]string{missing: "no such file or directory", folder: "is a directory"} {
		_, err := Load(file, nil)
		require.EqualError(t, err, file+": cannot be read: "+cause+": give the path of a YAML file")
		var problems *Errors
		require.ErrorAs(t, err, &problems)
	}
	denied := &fs.PathError{Op: "open", Path: missing, Err: syscall.EACCES} // root is never denied
	require.Equal(t, "let the user that steelyard runs as read it", fileRemedy(denied))
}

// TestLoadReadsNoFurtherThanAnyConfigurationGoes: a device that never ends took all memory, at a reload too.
func TestLoadReadsNoFurtherThanAnyConfigurationGoes(t *testing.T) {
	_, err := Load("/dev/zero", nil)
	require.EqualError(t, err, "/dev/zero: cannot be read: it is longer than 16MiB: give the path of a YAML file")
}

// TestRelativeFiles loads by a relative path from another folder.
func TestRelativeFiles(t *testing.T) {
	folder := certificateFolder(t)
	text := `{listen: [{address: "unix:run.sock", tls: {cert_file: cert.pem, key_file: ./key.pem}}], upstreams: [{endpoints: [{url: "http://a"}]}]}`
	require.NoError(t, os.WriteFile(filepath.Join(folder, "c.yaml"), []byte(text), 0o600))
	t.Chdir(filepath.Dir(folder))

	cfg, err := Load(filepath.Join(filepath.Base(folder), "c.yaml"), nil)
	require.NoError(t, err)
	require.Equal(t, "unix:"+filepath.Join(folder, "run.sock"), cfg.Listen[0].Address)
	require.Equal(t, &ServerTLS{filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")}, cfg.Listen[0].TLS)
}

// TestWhatIsWrittenMustBeAFile: a pipe would be waited for, and a device be renamed. The request log may go to a device.
func TestWhatIsWrittenMustBeAFile(t *testing.T) {
	folder := t.TempDir()
	pipe := filepath.Join(folder, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.NoError(t, os.Symlink("pipe", filepath.Join(folder, "link")))
	for _, c := range []struct{ log, predict, want string }{
		{os.DevNull, "", ""},
		{"", "pipe", `c.yaml:2: upstreams[0].predict.file: "` + pipe + `" is no file: give the path of one`},
		{"", "link", `c.yaml:2: upstreams[0].predict.file: "` + filepath.Join(folder, "link") + `" is no file: give the path of one`},
		{"", os.DevNull, `c.yaml:2: upstreams[0].predict.file: "` + os.DevNull + `" is no file: give the path of one`},
		{"pipe", "", `c.yaml:1: log.requests: "` + pipe + `" is no file: give the path of one`},
	} {
		text := fmt.Sprintf("log: {requests: %q}\nupstreams: [{predict: {file: %q}, endpoints: [{url: \"http://a\"}]}]\n", c.log, c.predict)
		require.NoError(t, os.WriteFile(filepath.Join(folder, "c.yaml"), []byte(text), 0o600))
		_, err := Load(filepath.Join(folder, "c.yaml"), nil)
		if c.want == "" {
			require.NoError(t, err)
			continue
		}
		require.EqualError(t, err, filepath.Join(folder, c.want))
	}
}

// TestEveryScalarHasAVariable overrides each key outside lists by itself.
func TestEveryScalarHasAVariable(t *testing.T) {
	base := []byte(`{admin: {address: "unix:/a.sock"}, upstreams: [{endpoints: [{url: "http://127.0.0.1:9001"}]}]}`)
	before, err := Parse("c.yaml", base, nil)
	require.NoError(t, err)
	values := map[reflect.Type]string{
		reflect.TypeFor[int]():     "7",
		reflect.TypeFor[bool]():    "true",
		reflect.TypeFor[Bytes]():   "5KiB",
		reflect.TypeFor[Mode]():    "0660",
		reflect.TypeFor[Account](): "1000",
		reflect.TypeFor[string]():  "127.0.0.1:7",
	}
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("sixteen-bytes-long"), 0o600))
	keys := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(keys, []byte("as-long-as-a-key-has-to-be-at-least"), 0o600))
	special := map[string]string{"STEELYARD_ALERTS_DEFAULTS": "false", "STEELYARD_ADMIN_TOKEN_FILE": token, "STEELYARD_LIMITS_MEMORY": "5GiB", "STEELYARD_RELOAD_WATCH": "false", "STEELYARD_USAGE_ENABLED": "false", "STEELYARD_ANOMALIES_ENABLED": "false", "STEELYARD_ANOMALIES_ENFORCE": "true", "STEELYARD_ANOMALIES_SLOW_RATIO": "2.5", "STEELYARD_FORECAST_ENABLED": "false", "STEELYARD_FORECAST_LEAD_TIME": "20m", "STEELYARD_FORECAST_TIME_ZONE": "UTC", "STEELYARD_USAGE_USER": "plain", "STEELYARD_USAGE_HEADER": "X-User", "STEELYARD_USAGE_DIR": "usage", "STEELYARD_USAGE_MAX_BYTES": "5MiB", "STEELYARD_CLIENTS_MAX_BODY_MEMORY": "5MiB", "STEELYARD_LOG_LEVEL": "warn", "STEELYARD_LOG_FORMAT": "console", "STEELYARD_HALF_CLOSE": "wait", "STEELYARD_OPTIMISE": "off", "STEELYARD_SHARED_REDIS": "redis://127.0.0.1", "STEELYARD_SHARED_CLUSTER": "blue", "STEELYARD_SHARED_PUBLISH": "70ms", "STEELYARD_SHARED_TIMEOUT": "70ms",
		"STEELYARD_SHARED_PASSWORD_FILE": token, "STEELYARD_SHARED_SECRET_FILE": keys}
	seen := map[string]bool{}
	for _, v := range variables(reflect.TypeFor[Config](), "") {
		require.False(t, seen[v.name], "two keys are called %s", v.name)
		seen[v.name] = true
		if _, isLeaf := leaves[v.kind]; !isLeaf {
			continue
		}
		value, found := special[v.name]
		if !found {
			value, found = values[v.kind]
		}
		if !found {
			value = "7s"
		}
		after, err := Parse("c.yaml", base, []string{v.name + "=" + value})
		require.NoError(t, err, v.name)
		require.NotEqual(t, before, after, v.name)
	}
	require.Contains(t, seen, "STEELYARD_LIMITS_BODY_BYTES")
	require.Contains(t, seen, "STEELYARD_ADMIN_ADDRESS")
}

// TestProblemsComeInTheOrderOfTheFile also shows that there is no limit to how many are found.
func TestProblemsComeInTheOrderOfTheFile(t *testing.T) {
	text := "upstreams:\n"
	for i := range 200 {
		text += fmt.Sprintf("  - {name: u%d, endpoints: [{url: gpu}], capacity: 1}\n", i)
	}
	_, err := Parse("c.yaml", []byte(text), nil)
	var problems *Errors
	require.ErrorAs(t, err, &problems)
	require.Len(t, problems.List, 400)
	for i, problem := range problems.List {
		require.Equal(t, fmt.Sprintf("c.yaml:%d", 2+i/2), problem.Place)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"address", "tls", "timeouts", "url"}
	for name, want := range map[string]string{
		"adress": "address", "ADDRESS": "address", "timeout": "timeouts", "ulr": "url", "tsl": "tls", "tlss": "tls",
		"upstream": "", "": "", "x": "", strings.Repeat("address", 1000): "",
	} {
		require.Equal(t, want, nearest(name, known), name)
	}
}

// TestSuggestNamesEachOnce is of a configuration with two upstreams of one name, which is a mistake of its own.
func TestSuggestNamesEachOnce(t *testing.T) {
	require.Equal(t, "known here: chat, code", Suggest("nowhere", []string{"chat", "code", "chat", "chat"}))
	require.Equal(t, `did you mean "chat"?`, Suggest("chta", []string{"chat", "code", "chat"}))
	_, err := Parse("c.yaml", []byte(`upstreams:
  - {name: chat, endpoints: [{url: "http://127.0.0.1:9001"}]}
  - {name: chat, endpoints: [{url: "http://127.0.0.1:9002"}]}
routes: [{path: /, upstream: nowhere}]
`), nil)
	require.Error(t, err)
	require.True(t, strings.HasSuffix(err.Error(), `there is no upstream "nowhere": known here: chat`), "%v", err)
}

func TestSlips(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "xbc", 1}, {"abc", "ab", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3}} {
		require.Equal(t, c.want, Slips(c.a, c.b), "%q and %q", c.a, c.b)
	}
}
