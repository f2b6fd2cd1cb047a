//go:build linux

package contender

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/steelyard-proxy/steelyard/bench/peers"
)

// complaint is a configuration that the test binary dislikes.
const complaint = "no such key"

// The test binary plays a steelyard: it has a version, and serves on a configuration that is nothing but an address,
// listening there until it is killed; with a complaint it fails as a program does.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "version" {
		fmt.Println("actor 1.0")
		os.Exit(0)
	}
	if len(os.Args) > 3 && os.Args[1] == "serve" {
		text, err := os.ReadFile(os.Args[3])
		if err == nil && string(text) == complaint {
			fmt.Println("line 3: " + complaint)
			os.Exit(1)
		}
		if err == nil {
			var l net.Listener
			if l, err = net.Listen("tcp", string(text)); err == nil {
				_, err = l.Accept()
				select {} // deaf to everything but a signal
			}
		}
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// actor is the test binary with a configuration.
func actor(t *testing.T, config string) Kind {
	t.Helper()
	kinds, err := Find(t.Context(), []string{"steelyard"}, os.Args[0])
	require.NoError(t, err)
	require.Equal(t, "actor 1.0", kinds[0].Version)
	kinds[0].config = template.Must(template.New("actor").Parse(config))
	return kinds[0]
}

func TestStartWeighStop(t *testing.T) {
	p, err := actor(t, "{{.Listen}}").Start(t.Context(), Setting{Dir: t.TempDir(), Core: 0})
	require.NoError(t, err)
	t.Cleanup(p.Stop)
	pid := p.PID()

	var cores unix.CPUSet
	require.NoError(t, unix.SchedGetaffinity(pid, &cores))
	require.Equal(t, 1, cores.Count())
	require.True(t, cores.IsSet(0))
	var own unix.CPUSet
	require.NoError(t, unix.SchedGetaffinity(0, &own))
	require.NotZero(t, own.Count(), "ours is what it was")

	cpu, err := p.CPU()
	require.NoError(t, err)
	require.Positive(t, cpu)
	require.Less(t, cpu, time.Minute)
	memory, err := p.Memory()
	require.NoError(t, err)
	require.Greater(t, memory.RSS, int64(100<<10))
	require.LessOrEqual(t, memory.PSS, memory.RSS)
	_, err = p.Waited()
	require.NoError(t, err)

	p.Stop()
	require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
	_, err = p.CPU()
	require.Error(t, err)
}

func TestStartTellsWhatTheProgramSaid(t *testing.T) {
	_, err := actor(t, complaint).Start(t.Context(), Setting{Dir: t.TempDir()})
	require.ErrorContains(t, err, "start steelyard: it ended: exit status 1")
	require.ErrorContains(t, err, "line 3: no such key")
}

func TestCPUOfOurselvesGrows(t *testing.T) {
	before, err := CPU(os.Getpid())
	require.NoError(t, err)
	for sum := 0; ; sum++ {
		after, err := CPU(os.Getpid())
		require.NoError(t, err)
		if after > before+time.Millisecond {
			return
		}
		require.Less(t, sum, 100_000_000, "the clock stands still")
	}
}

func TestFindNames(t *testing.T) {
	_, err := Find(t.Context(), []string{"apache"}, "")
	require.EqualError(t, err, `find "apache": no such contender: choose among nginx, haproxy, steelyard`)
	_, err = Find(t.Context(), []string{"steelyard"}, filepath.Join(t.TempDir(), "absent"))
	require.ErrorContains(t, err, "absent")
}

func TestParseRollup(t *testing.T) {
	got, err := parseRollup([]byte("5610e0d24000-7ffe5826b000 ---p 00000000 00:00 0   [rollup]\n" +
		"Rss:                1696 kB\nPss:                 356 kB\nPss_Dirty:           112 kB\n"))
	require.NoError(t, err)
	require.Equal(t, Memory{RSS: 1696 << 10, PSS: 356 << 10}, got)
	_, err = parseRollup([]byte("Rss: 12 kB\n"))
	require.ErrorContains(t, err, "no Rss or Pss")
}

func TestConfigurations(t *testing.T) {
	s := Setting{
		Dir:    "/tmp/x",
		Listen: "127.0.0.1:8000", Admin: "127.0.0.1:8001",
		Upstreams: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9001"), netip.MustParseAddrPort("127.0.0.1:9002")},
	}
	for tmpl, want := range map[*template.Template][]string{
		nginxTemplate:     {"listen 127.0.0.1:8000 ", "server 127.0.0.1:9001 weight=100;", "server 127.0.0.1:9002 weight=200;", "pid /tmp/x/nginx.pid"},
		haproxyTemplate:   {"bind 127.0.0.1:8000 ", "server s0 127.0.0.1:9001 weight 100", "server s1 127.0.0.1:9002 weight 200"},
		steelyardTemplate: {`address: "127.0.0.1:8000"`, `address: "127.0.0.1:8001"`, `url: "http://127.0.0.1:9002", capacity: 200`},
	} {
		text, err := s.render(tmpl)
		require.NoError(t, err)
		for _, part := range want {
			require.Contains(t, text, part)
		}
	}
	for tmpl, key := range map[*template.Template]string{nginxTemplate: "proxy_buffering off", haproxyTemplate: "http-no-delay"} {
		unary, err := s.render(tmpl)
		require.NoError(t, err)
		require.NotContains(t, unary, key)
		streaming := s
		streaming.Streaming = true
		text, err := streaming.render(tmpl)
		require.NoError(t, err)
		require.Contains(t, text, key)
	}
}

func TestPolicies(t *testing.T) {
	steelyard := Kind{Program: peers.Program{Name: "steelyard"}, config: steelyardTemplate}
	var names []string
	for _, p := range Policies {
		names = append(names, steelyard.Under(p).Name)
	}
	require.Equal(t, steelyard.Under(Base).Name, names[0])
	require.Contains(t, names, "steelyard/least_load+slots+shortest_first")
	require.Equal(t, "steelyard", steelyard.Name, "the one that was asked is what it was")
	slices.Sort(names)
	require.Len(t, slices.Compact(names), len(Policies), "each has a name of its own")
}

func TestConfigurationsOfPolicies(t *testing.T) {
	s := Setting{Upstreams: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9001")}}
	plain, err := s.render(steelyardTemplate)
	require.NoError(t, err)
	for _, key := range []string{"policy", "capacity_scale", "queue", "slots"} {
		require.NotContains(t, plain, key, "the defaults are what is measured")
	}
	s.Policy = Policy{Name: "optimal_split", Scale: 0.5, Slots: 7, Order: "shortest_first"}
	text, err := s.render(steelyardTemplate)
	require.NoError(t, err)
	require.Contains(t, text, "    policy: optimal_split\n    capacity_scale: 0.5\n    queue: {order: shortest_first}\n    endpoints:\n")
	require.Contains(t, text, "capacity: 100, slots: 7}\n")
}
