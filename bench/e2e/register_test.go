package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/engine"
)

// register starts `steelyard register` for a server of the upstream chat.
func register(t *testing.T, r *redisServer, url string, more ...string) *process {
	t.Helper()
	return start(t, nil, binary, append([]string{"register", "--redis", "redis://" + r.address, "--upstream", "chat", "--url", url, "--ttl", "3s"}, more...)...)
}

func (r *redisServer) record(address string) string {
	return r.cli("GET", "steelyard:{steelyard}:server:chat:"+address)
}

// A server that somebody else runs is registered while it answers its check, through every trouble of the store, and goes
// with a word.
func TestRegisterBesideAServer(t *testing.T) {
	r := startRedis(t, "", "--requirepass", "sesame")
	s := startServer(t, "small", 100)
	password := t.TempDir() + "/password"
	require.NoError(t, os.WriteFile(password, []byte("wrong\n"), 0o600))
	p := register(t, r, s.url(), "--password-file", password, "--capacity", "100", "--slots", "8", "--check", "/health", "--drain", "6s")
	eventually(t, "the wrong password is told", func() bool { return strings.Contains(p.err.String(), "does not let us in: WRONGPASS") })
	require.NoError(t, os.WriteFile(password, []byte("sesame\n"), 0o600))
	record := func() string {
		return r.cli("-a", "sesame", "--no-auth-warning", "GET", "steelyard:{steelyard}:server:chat:"+s.address)
	}
	there := func() bool { return strings.Contains(record(), `"slots":8`) }
	eventually(t, "it is registered", there)

	r.cli("-a", "sesame", "FLUSHALL")
	eventually(t, "it is registered again after the store was emptied", there)
	r.signal(t, syscall.SIGSTOP)
	eventually(t, "a store that is stopped is told", func() bool { return strings.Contains(p.err.String(), "did not answer in time") })
	r.signal(t, syscall.SIGCONT)
	eventually(t, "it is registered again", there)
	r.kill(t)
	eventually(t, "a store that is away is told", func() bool { return strings.Contains(p.err.String(), "cannot be reached: connection refused") })
	r = startRedis(t, r.address, "--requirepass", "sesame")
	eventually(t, "it is registered with a new store", there)

	s.signal(t, syscall.SIGSTOP)
	eventually(t, "it departs while it does not answer", func() bool { return strings.Contains(record(), `"departing":true`) })
	s.signal(t, syscall.SIGCONT)
	eventually(t, "it is back", func() bool { return there() && !strings.Contains(record(), "departing") })

	p.signal(t, syscall.SIGTERM)
	eventually(t, "it departs first", func() bool { return strings.Contains(record(), `"departing":true`) })
	require.Zero(t, p.exits(t))
	require.Empty(t, record(), "and then it is gone")
	require.Equal(t, 200, status(s.url()+"/health"), "the server is somebody else's")
}

// With a command it is the server's parent: signals go through, its end is the server's, and its code as well.
func TestRegisterStartsTheServer(t *testing.T) {
	r := startRedis(t, "")
	address := freeAddress(t)
	options, err := json.Marshal(backend.Options{Name: "own", Address: address, Engine: engine.Options{Capacity: 100}})
	require.NoError(t, err)
	more := []string{"--check", "/health", "--drain", "0s", "--", "/usr/bin/env", serverVariable + "=" + string(options), os.Args[0]}
	p := register(t, r, "http://"+address, more...)
	eventually(t, "it is registered", func() bool { return strings.Contains(r.record(address), `"id":`) })
	p.signal(t, syscall.SIGTERM)
	require.Equal(t, 128+int(syscall.SIGTERM), p.exits(t), "the server's own code")
	require.Zero(t, status("http://"+address+"/health"))
	require.Contains(t, r.record(address), `"departing":true`, "who reads it sees it, until it ends")

	p = register(t, r, "http://"+address, more...)
	eventually(t, "it is registered", func() bool { return r.record(address) != "" && !strings.Contains(r.record(address), "departing") })
	p.kill(t)
	eventually(t, "the server is stopped when its parent was killed", func() bool { return status("http://"+address+"/health") == 0 })

	p = register(t, r, "http://"+address, "--", "/bin/sh", "-c", "exit 9")
	require.Equal(t, 9, p.exits(t))
	p = register(t, r, "http://"+address, "--", "/nowhere/vllm")
	require.Equal(t, 1, p.exits(t))
	require.Contains(t, p.err.String(), "steelyard: /nowhere/vllm cannot be started")
}

// What cannot be right is refused before the server is started.
func TestRegisterRefuses(t *testing.T) {
	for args, why := range map[string]string{
		"":                       "no --redis: give the URL",
		"--redis redis://h":      "no --upstream",
		"--redis h --upstream c": "no --url",
		"--redis h:1 --upstream c --url http://h:1":                                      "--redis has no scheme",
		"--redis redis://u@h --upstream c --url http://h:1":                              "has a user, but no password",
		"--redis redis://h --upstream c --url http://169.254.169.254:80":                 "is link-local",
		"--redis redis://h --upstream c --url h:8000":                                    "http://",
		"--redis redis://h --upstream c --url http://h:1 --capacity -1":                  "the capacity is -1",
		"--redis redis://h --upstream c --url http://h:1 --capacity 0":                   "--capacity 0",
		"--redis redis://h --upstream c --url http://h:1 --slots x":                      "0 to 1000000",
		"--redis redis://h --upstream c --url http://h:1 --ttl 1s":                       "--ttl 1s: give 3s",
		"--redis redis://h --upstream c --url http://h:1 --drain -1s":                    "--drain -1s",
		"--redis redis://h --upstream c --url http://h:1 --check health":                 "give a path",
		"--redis redis://h --upstream c --url http://h:1 --password-file /nowhere":       "cannot be read",
		"--redis redis://h --upstream c --url http://h:1 --ca-file /etc/hosts":           "not encrypted",
		"--redis rediss://h --upstream c --url http://h:1 --ca-file /etc/hosts":          "no certificate",
		"--redis redis://h --upstream c --url http://h:1 --cluster a:b":                  "the cluster",
		"--redis redis://h --upstream c --url http://h:1 vllm serve":                     "put -- before the command",
		"--redis redis://h --upstream c --url http://h:1 --":                             "no command stands after --",
		"--redis redis://h --redis rediss://i --upstream c --url http://h:1":             "differ",
		"--redis redis://:sesame@h:0 --upstream c --url http://h:1":                      "bad port",
		"--redis redis://h --upstream c --url http://h:1 --tier 10":                      "tier is 10",
		"--redis redis://h --upstream c --url http://h:1 --name a/b":                     "is no name",
		"--redis redis://:a@h --password-file /etc/hosts --upstream c --url http://h:1 ": "keep one of the two",
	} {
		p := start(t, nil, binary, append([]string{"register"}, strings.Fields(args)...)...)
		require.Equal(t, 2, p.exits(t), args)
		require.Contains(t, p.err.String(), why, args)
		require.NotContains(t, p.err.String(), "sesame")
	}
}
