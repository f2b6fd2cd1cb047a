package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// redisServer is a real Redis that keeps nothing on disk.
type redisServer struct {
	*process
	address string
}

// startRedis starts one; with an address it is that of one before.
func startRedis(t *testing.T, address string, more ...string) *redisServer {
	t.Helper()
	need(t, "redis-server", "redis-cli")
	if address == "" {
		address = freeAddress(t)
	}
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	args := append([]string{"--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", t.TempDir()}, more...)
	r := &redisServer{process: start(t, nil, "redis-server", args...), address: address}
	eventually(t, "Redis answers", func() bool {
		return strings.Contains(r.cli("PING"), "PONG") || strings.Contains(r.cli("PING"), "NOAUTH")
	})
	return r
}

// cli is what redis-cli says to a command.
func (r *redisServer) cli(args ...string) string {
	_, port, _ := net.SplitHostPort(r.address)
	said, _ := exec.Command("redis-cli", append([]string{"-p", port}, args...)...).CombinedOutput()
	return strings.TrimSpace(string(said))
}

// calls is how often a command has been called.
func (r *redisServer) calls(t *testing.T, command string) int {
	t.Helper()
	_, after, _ := strings.Cut(r.cli("INFO", "commandstats"), "cmdstat_"+command+":calls=")
	digits, _, _ := strings.Cut(after, ",")
	n, err := strconv.Atoi(digits)
	require.NoError(t, err)
	return n
}

// nameServer is a real dnsmasq that answers from files of the test's own.
type nameServer struct {
	*process
	address string
	folder  string
}

// startNames starts one with records, as lines of its configuration.
func startNames(t *testing.T, address string, lines ...string) *nameServer {
	t.Helper()
	need(t, "dnsmasq")
	if address == "" {
		address = freeAddress(t)
	}
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	n := &nameServer{address: address, folder: t.TempDir()}
	conf := filepath.Join(n.folder, "dnsmasq.conf")
	text := append([]string{"port=" + port, "listen-address=127.0.0.1", "bind-interfaces", "no-resolv", "no-hosts", "local-ttl=1", "local=/test/",
		"addn-hosts=" + n.hosts(), "pid-file=" + filepath.Join(n.folder, "pid"), "cache-size=0"}, lines...)
	n.lists(t)
	require.NoError(t, os.WriteFile(conf, []byte(strings.Join(text, "\n")+"\n"), 0o600))
	n.process = start(t, nil, "dnsmasq", "--keep-in-foreground", "--user="+userName(t), "--conf-file="+conf)
	eventually(t, "dnsmasq answers", func() bool { // before that a SIGHUP would end it
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return n
}

// hosts is its file of addresses and names.
func (n *nameServer) hosts() string { return filepath.Join(n.folder, "hosts") }

// lists writes the file, each line with an address and a name. A server that runs has to be told by SIGHUP.
func (n *nameServer) lists(t *testing.T, lines ...string) {
	t.Helper()
	require.NoError(t, os.WriteFile(n.hosts(), []byte(strings.Join(lines, "\n")+"\n"), 0o644))
}

func userName(t *testing.T) string {
	t.Helper()
	said, err := exec.Command("id", "-un").Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(said))
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	n, err := strconv.Atoi(port)
	require.NoError(t, err)
	return n
}
