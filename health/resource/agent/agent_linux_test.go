package agent

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// machine is a folder with what a small machine says of itself.
func machine(t *testing.T, more map[string]string) string {
	t.Helper()
	root := t.TempDir()
	files := map[string]string{
		"proc/stat":            "cpu  1 2 3 4 5 6 7 8 9 0\ncpu0 100 200 300 400 500 600 700 800 9 0\ncpu1 10 20 30 40\nintr 5\n",
		"proc/loadavg":         "0.50 1.25 2.00 3/400 12345\n",
		"proc/meminfo":         "MemTotal:       2048 kB\nMemFree:  10 kB\nMemAvailable:   512 kB\nHugePages_Total:       0\n",
		"proc/vmstat":          "nr_free_pages 5\noom_kill 3\n",
		"proc/diskstats":       " 254 0 vda 1 2 3 4 5 6 7 8 9 1500 11 12\n 254 1 vda1 1 2 3 4 5 6 7 8 9 10 11 12\n 7 0 loop0 1 2 3 4 5 6 7 8 9 10 11 12\n",
		"sys/block/vda/x":      "",
		"proc/pressure/cpu":    "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		"proc/pressure/memory": "some avg10=0.00 total=1000000\nfull avg10=0.00 total=500000\n",
		"proc/pressure/io":     "some avg10=0.00 total=0\nfull avg10=0.00 total=0\n",
		"proc/self/mounts":     "overlay / overlay rw 0 0\nproc /proc proc rw 0 0\n/dev/vda1 /my\\040models ext4 ro,relatime 0 0\ntmpfs /dev/shm tmpfs rw 0 0\n/dev/vdb /gone xfs rw 0 0\n",
		"my models/file":       "",
	}
	for name, text := range more {
		files[name] = text
	}
	for name, text := range files {
		if text == "-" {
			continue
		}
		file := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	return root
}

// lines are the samples of a page by their name and labels.
func lines(t *testing.T, a *Agent) map[string]string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, a.Write(&b))
	found := map[string]string{}
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, "#") {
			cut := strings.LastIndexByte(line, ' ')
			_, again := found[line[:cut]]
			require.False(t, again, line)
			found[line[:cut]] = strings.TrimSpace(line[cut:])
		}
	}
	return found
}

func newAgent(t *testing.T, o Options) (*Agent, *problems) {
	t.Helper()
	p := &problems{}
	o.Problem = p.add
	a, err := New(o)
	require.NoError(t, err)
	return a, p
}

type problems struct {
	mu   sync.Mutex
	list []string
}

func (p *problems) add(what string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, fmt.Sprintf("%s: %v", what, err))
}

func TestPage(t *testing.T) {
	a, p := newAgent(t, Options{Root: machine(t, nil)})
	got := lines(t, a)
	for name, want := range map[string]string{
		`node_cpu_seconds_total{cpu="0",mode="user"}`: "1", `node_cpu_seconds_total{cpu="0",mode="steal"}`: "8",
		`node_cpu_seconds_total{cpu="1",mode="idle"}`: "0.4",
		"node_load5": "1.25", "node_memory_MemTotal_bytes": "2.097152e+06", "node_memory_MemAvailable_bytes": "524288",
		"node_pressure_cpu_waiting_seconds_total": "2.5", "node_pressure_memory_stalled_seconds_total": "0.5",
		"node_vmstat_oom_kill": "3", `node_disk_io_time_seconds_total{device="vda"}`: "1.5",
		`node_filesystem_readonly{device="/dev/vda1",fstype="ext4",mountpoint="/my models"}`: "1",
	} {
		require.Equal(t, want, got[name], name)
	}
	require.Contains(t, got, `node_filesystem_size_bytes{device="/dev/vda1",fstype="ext4",mountpoint="/my models"}`)
	require.Contains(t, got, "node_time_seconds")
	for name := range got {
		require.NotRegexp(t, `cpu=""|vda1",mode|loop0|device="vda1"|shm|gone|"/"|HugePages|steelyard_agent`, name)
	}
	require.Empty(t, p.list)
}

// What cannot be read is left out, and told once until it can be read again.
func TestProblems(t *testing.T) {
	root := machine(t, map[string]string{"proc/stat": "cpu0 x\n", "proc/pressure/cpu": "-", "proc/vmstat": "-"})
	a, p := newAgent(t, Options{Root: root})
	got := lines(t, a)
	lines(t, a)
	require.Len(t, p.list, 2, "a kernel without pressure is none")
	require.Contains(t, p.list[0], "the CPUs: /proc/stat: ")
	require.Contains(t, p.list[1], "what the kernel has killed: open ")
	require.Contains(t, got, "node_memory_MemTotal_bytes")
	require.NotContains(t, got, "node_pressure_memory_waiting_seconds_total")
}

// Of the container's limits the innermost of the CPU and the least of the memory count, and only where they are asked for.
func TestContainer(t *testing.T) {
	new := map[string]string{
		"proc/self/cgroup":                         "0::/pods/engine\n",
		"sys/fs/cgroup/pods/engine/cpu.max":        "max 100000\n",
		"sys/fs/cgroup/pods/engine/cpu.stat":       "usage_usec 1\n",
		"sys/fs/cgroup/pods/cpu.max":               "250000 100000\n",
		"sys/fs/cgroup/pods/cpu.stat":              "usage_usec 5000000\nuser_usec 1\n",
		"sys/fs/cgroup/pods/engine/memory.max":     "1000\n",
		"sys/fs/cgroup/pods/engine/memory.current": "800\n",
		"sys/fs/cgroup/pods/engine/memory.stat":    "anon 5\ninactive_file 300\n",
		"sys/fs/cgroup/pods/memory.max":            "9000\n",
		"sys/fs/cgroup/pods/memory.current":        "5000\n",
	}
	old := map[string]string{
		"proc/self/cgroup":                           "5:cpu,cpuacct:/x\n4:memory:/x\n1:name=systemd:/x\n",
		"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "250000\n", "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n", "sys/fs/cgroup/cpu,cpuacct/cpuacct.usage": "5000000000\n",
		"sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us": "100000\n", "sys/fs/cgroup/cpu,cpuacct/x/cpuacct.usage": "1\n",
		"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n", "sys/fs/cgroup/memory/memory.usage_in_bytes": "5\n",
		"sys/fs/cgroup/memory/x/memory.limit_in_bytes": "1000\n", "sys/fs/cgroup/memory/x/memory.usage_in_bytes": "800\n", "sys/fs/cgroup/memory/x/memory.stat": "total_inactive_file 300\n",
	}
	for name, files := range map[string]map[string]string{"version 2": new, "version 1": old} {
		a, p := newAgent(t, Options{Root: machine(t, files), Container: true})
		got := lines(t, a)
		for line, want := range map[string]string{
			"steelyard_agent_cpu_limit_cores": "2.5", "steelyard_agent_cpu_used_seconds_total": "5",
			"steelyard_agent_memory_limit_bytes": "1000", "steelyard_agent_memory_used_bytes": "500",
		} {
			require.Equal(t, want, got[line], "%s: %s", name, line)
		}
		require.Empty(t, p.list)
		a, _ = newAgent(t, Options{Root: machine(t, files)})
		require.NotContains(t, lines(t, a), "steelyard_agent_cpu_limit_cores", name)
	}
	a, p := newAgent(t, Options{Root: machine(t, map[string]string{"proc/self/cgroup": "0::/\n"}), Container: true})
	require.NotContains(t, lines(t, a), "steelyard_agent_memory_limit_bytes")
	require.Empty(t, p.list)
}

const smi = "0, GPU-aaaa, 37, 20000, 61559, 41, 120.53\n1, GPU-bbbb, [N/A], 72000, 9559, 78, [Not Supported]\n"

// program is a shell script in place of nvidia-smi.
func program(t *testing.T, script string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "nvidia-smi")
	require.NoError(t, os.WriteFile(file, []byte("#!/bin/sh\n"+script), 0o755))
	for { // a test that forks beside us may hold the file open for a moment
		if err := exec.Command(file, "--try").Run(); err == nil || !strings.Contains(err.Error(), "text file busy") {
			return file
		}
	}
}

func TestGPUs(t *testing.T) {
	asked := filepath.Join(t.TempDir(), "asked")
	a, p := newAgent(t, Options{Root: machine(t, nil), GPUs: program(t, `case "$1" in --try) exit;; esac; echo "$@" > `+asked+"; printf '"+smi+"'")})
	require.NoError(t, a.gpus.ask(context.Background()))
	said, err := os.ReadFile(asked)
	require.NoError(t, err)
	require.Equal(t, "--query-gpu=index,uuid,utilization.gpu,memory.used,memory.free,temperature.gpu,power.draw --format=csv,noheader,nounits\n", string(said))
	got := lines(t, a)
	require.Equal(t, "37", got[`DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-aaaa"}`])
	require.NotContains(t, got, `DCGM_FI_DEV_GPU_UTIL{gpu="1",UUID="GPU-bbbb"}`)
	require.Equal(t, "72000", got[`DCGM_FI_DEV_FB_USED{gpu="1",UUID="GPU-bbbb"}`])
	require.Equal(t, "120.53", got[`DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-aaaa"}`])
	require.Empty(t, p.list)

	var late page
	a.gpus.write(&late, time.Now().Add(gpuFresh+time.Minute))
	require.Zero(t, late.Len(), "what is too old is not shown")

	for script, want := range map[string]string{
		"echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18": "exit status 18: Failed to initialize NVML",
		"echo 'No devices were found'": "wrong number of fields",
		"":                             "",
	} {
		err := (&gpus{program: program(t, script)}).ask(context.Background())
		if want == "" {
			require.NoError(t, err, "no GPUs")
			continue
		}
		require.ErrorContains(t, err, want)
	}
}

// A program that hangs delays nothing but itself.
func TestHangingProgram(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	a, p := newAgent(t, Options{Root: machine(t, nil), GPUs: program(t, `case "$1" in --try) exit;; esac; exec sleep 600`)})
	ended := make(chan struct{})
	go func() {
		_ = a.Run(ctx)
		close(ended)
	}()
	require.Contains(t, lines(t, a), "node_load1")
	cancel()
	<-ended
	require.Empty(t, p.list)
}

// A file system that does not answer is left out until it does.
func TestStuckFileSystem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, p := newAgent(t, Options{Root: machine(t, nil)})
		hangs := make(chan struct{})
		a.stuck["/my models"] = hangs
		require.NoError(t, a.Write(io.Discard))
		require.Equal(t, []string{"the file systems: /my models does not answer"}, p.list)
		close(hangs)
		require.Contains(t, lines(t, a), `node_filesystem_size_bytes{device="/dev/vda1",fstype="ext4",mountpoint="/my models"}`)
		require.Empty(t, a.stuck)
	})
}
