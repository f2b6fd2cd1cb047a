package resource

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// read reads a page as of some seconds after a fixed moment.
func read(t *testing.T, after float64, text string) *reading {
	t.Helper()
	samples, err := readPage(strings.NewReader(text))
	require.NoError(t, err)
	return newReading(time.Unix(0, 0).Add(time.Duration(after*float64(time.Second))), samples)
}

func file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return string(text)
}

// near holds the known figures to those that are expected; all others must be unknown.
func near(t *testing.T, want map[Resource]float64, f Figures) {
	t.Helper()
	for i := range Resources {
		if v, is := want[i]; is {
			require.InDelta(t, v, f.Ratios[i], 1e-3, "%s", i)
		} else {
			require.True(t, math.IsNaN(f.Ratios[i]), "%s is %g, and nobody has said so", i, f.Ratios[i])
		}
	}
}

// Two pages of Debian's node_exporter 1.5.0, some two seconds apart; the figures are worked out by hand.
func TestNodeExporter(t *testing.T) {
	first, second := read(t, 0, file(t, "node-exporter-1.txt")), read(t, 2.06, file(t, "node-exporter-2.txt"))
	before := first.figures(nil, &Of{})
	near(t, map[Resource]float64{Memory: 1 - 24495853568.0/25276063744, Disk: 1 - 29781635072.0/270553174016}, before)
	require.Equal(t, "/", before.FullestDisk)
	now := second.figures(first, &Of{})
	passed := second.single[clock] - first.single[clock]
	require.InDelta(t, 2, passed, 0.5)
	idle, all := 0.0, 0.0
	for name, c := range second.cpus {
		idle += c.idle - first.cpus[name].idle
		all += c.all - first.cpus[name].all
	}
	require.InDelta(t, 2*passed, all, 0.3, "two CPUs")
	want := map[Resource]float64{
		CPU: 1 - idle/all, Memory: now.Ratios[Memory], Disk: now.Ratios[Disk], MemoryWait: 0,
		CPUWait:  (second.single[cpuWaits] - first.single[cpuWaits]) / passed,
		DiskWait: (second.single[ioWaits] - first.single[ioWaits]) / passed,
		DiskBusy: (second.disks["vda"] - first.disks["vda"]) / passed,
	}
	near(t, want, now)
	require.Greater(t, now.Ratios[CPUWait], 0.0)
}

// Each endpoint of a machine sees its own GPUs, and one without a choice all of them.
func TestGPUs(t *testing.T) {
	r := read(t, 0, file(t, "dcgm.txt"))
	f := r.figures(nil, &Of{})
	near(t, map[Resource]float64{GPU: 0.55, GPUMemory: 0.9}, f)
	require.Equal(t, []float64{78, 760.5, 79}, []float64{f.Temperature, f.Power, f.GPUError})
	f = r.figures(nil, &Of{GPUs: []string{"0"}})
	near(t, map[Resource]float64{GPU: 0.1, GPUMemory: 0.25}, f)
	require.Equal(t, []float64{41, 120.5, 0}, []float64{f.Temperature, f.Power, f.GPUError})
	near(t, nil, r.figures(nil, &Of{GPUs: []string{"7"}}))
}

// What engines say of themselves, by the names of each.
func TestEngines(t *testing.T) {
	for text, want := range map[string]map[Resource]float64{
		"vllm:kv_cache_usage_perc{engine=\"0\",model_name=\"m\"} 0.5\nvllm:kv_cache_usage_perc{engine=\"1\",model_name=\"m\"} 0.7\n": {Cache: 0.6},
		"vllm:gpu_cache_usage_perc 0.25\n":   {Cache: 0.25},
		"sglang:token_usage 0.125\n":         {Cache: 0.125},
		"trtllm_kv_cache_utilization 0.75\n": {Cache: 0.75},
		"nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"fraction\"} 0.5\nnv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"max\"} 9000\n": {Cache: 0.5},
		"nv_gpu_utilization{gpu_uuid=\"GPU-a\"} 0.5\nnv_gpu_memory_used_bytes{gpu_uuid=\"GPU-a\"} 3\nnv_gpu_memory_total_bytes{gpu_uuid=\"GPU-a\"} 4\n" +
			"nv_cpu_utilization 0.25\nnv_cpu_memory_used_bytes 1\nnv_cpu_memory_total_bytes 8\n": {GPU: 0.5, GPUMemory: 0.75, CPU: 0.25, Memory: 0.125},
	} {
		near(t, want, read(t, 0, text).figures(nil, &Of{}))
	}
}

func cpuPage(idle, busy string) string {
	return "node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} " + idle + "\nnode_cpu_seconds_total{cpu=\"0\",mode=\"user\"} " + busy + "\n"
}

// What an exporter may say on a bad day.
func TestBadDays(t *testing.T) {
	for name, c := range map[string]struct {
		first, second string
		after         float64
		want          map[Resource]float64
	}{
		"steady":                     {cpuPage("100", "50"), cpuPage("109", "51"), 10, map[Resource]float64{CPU: 0.1}},
		"the machine began anew":     {cpuPage("100", "50"), cpuPage("9", "1"), 10, nil},
		"NaN is no figure":           {cpuPage("100", "50"), cpuPage("NaN", "NaN") + "node_time_seconds 1\n", 10, nil},
		"a CPU has gone":             {cpuPage("100", "50") + strings.ReplaceAll(cpuPage("7", "7"), `"0"`, `"1"`), cpuPage("105", "55"), 10, map[Resource]float64{CPU: 0.5}},
		"a CPU has come":             {cpuPage("100", "50"), cpuPage("105", "55") + strings.ReplaceAll(cpuPage("0", "900"), `"0"`, `"1"`), 10, map[Resource]float64{CPU: 0.5}},
		"a line twice":               {cpuPage("100", "50"), cpuPage("105", "55") + cpuPage("105", "55"), 10, map[Resource]float64{CPU: 0.5}},
		"idle went back a little":    {cpuPage("100", "50"), cpuPage("99.9", "60"), 10, map[Resource]float64{CPU: 1}},
		"its clock was set":          {"node_time_seconds 1000\nnode_pressure_cpu_waiting_seconds_total 1\n", "node_time_seconds 90000\nnode_pressure_cpu_waiting_seconds_total 6\n", 10, map[Resource]float64{CPUWait: 0.5}},
		"its clock was set back":     {"node_time_seconds 1000\nnode_pressure_io_waiting_seconds_total 1\n", "node_time_seconds 9\nnode_pressure_io_waiting_seconds_total 6\n", 10, map[Resource]float64{DiskWait: 0.5}},
		"no time has passed":         {cpuPage("100", "50"), cpuPage("105", "55"), 0, nil},
		"pressure began anew":        {"node_pressure_memory_waiting_seconds_total 50\n", "node_pressure_memory_waiting_seconds_total 1\n", 10, nil},
		"more is free than there is": {"", "node_memory_MemTotal_bytes 5\nnode_memory_MemAvailable_bytes 9\n", 10, map[Resource]float64{Memory: 0}},
		"memory of none":             {"", "node_memory_MemTotal_bytes 0\nnode_memory_MemAvailable_bytes 0\n", 10, nil},
		"a container with limits": {"steelyard_agent_cpu_used_seconds_total 10\nsteelyard_agent_cpu_limit_cores 2\n" + cpuPage("100", "50"),
			"steelyard_agent_cpu_used_seconds_total 15\nsteelyard_agent_cpu_limit_cores 2\nsteelyard_agent_memory_limit_bytes 4\nsteelyard_agent_memory_used_bytes 3\nnode_memory_MemTotal_bytes 100\nnode_memory_MemAvailable_bytes 100\n" + cpuPage("110", "50"),
			10, map[Resource]float64{CPU: 0.25, Memory: 0.75}},
		"file systems that do not fill up": {"", "node_filesystem_size_bytes{fstype=\"tmpfs\",mountpoint=\"/run\"} 9\nnode_filesystem_avail_bytes{fstype=\"tmpfs\",mountpoint=\"/run\"} 0\n" +
			"node_filesystem_size_bytes{fstype=\"xfs\",mountpoint=\"/models\"} 10\nnode_filesystem_avail_bytes{fstype=\"xfs\",mountpoint=\"/models\"} 1\n" +
			"node_filesystem_size_bytes{fstype=\"xfs\",mountpoint=\"/\"} 10\nnode_filesystem_avail_bytes{fstype=\"xfs\",mountpoint=\"/\"} 5\n", 10, map[Resource]float64{Disk: 0.9}},
	} {
		t.Run(name, func(t *testing.T) {
			var before *reading
			if c.first != "" {
				before = read(t, 0, c.first)
			}
			near(t, c.want, read(t, c.after, c.second).figures(before, &Of{}))
		})
	}
}

func TestOwnFolders(t *testing.T) {
	r := read(t, 0, "node_filesystem_size_bytes{fstype=\"xfs\",mountpoint=\"/models\"} 10\nnode_filesystem_avail_bytes{fstype=\"xfs\",mountpoint=\"/models\"} 1\n"+
		"node_filesystem_size_bytes{fstype=\"xfs\",mountpoint=\"/\"} 10\nnode_filesystem_avail_bytes{fstype=\"xfs\",mountpoint=\"/\"} 5\n")
	f := r.figures(nil, &Of{Mounts: []string{"/"}})
	near(t, map[Resource]float64{Disk: 0.5}, f)
	require.Equal(t, "/", f.FullestDisk)
}

func TestPages(t *testing.T) {
	for want, text := range map[string]string{
		errNothing.Error():  "# a page of something else\nhttp_requests_total 5\n",
		errTooMany.Error():  strings.Repeat("node_time_seconds 1\n", mostSamples+1),
		errTooLarge.Error(): strings.Repeat("# "+strings.Repeat(" ", 1021)+"\n", pageLimit>>10+1),
		"read its lines":    "node_time_seconds one\n",
	} {
		_, err := readPage(strings.NewReader(text))
		require.ErrorContains(t, err, want)
	}
	long := "node_time_seconds{x=\"" + strings.Repeat("x", lineLimit) + "\"} 7\n"
	samples, err := readPage(strings.NewReader(strings.Repeat("other_metric{a=\"b\"} 1\n", 100_000) + long + "node_time_seconds 5"))
	require.NoError(t, err, "100,000 lines of others, and one that is too long")
	require.Len(t, samples, 1)
	require.Equal(t, 5.0, samples[0].value)
	_, err = readPage(strings.NewReader(long))
	require.ErrorIs(t, err, errNothing)
}

func TestNames(t *testing.T) {
	for _, name := range Names() {
		r, ok := Parse(name)
		require.True(t, ok)
		require.Equal(t, name, r.String())
	}
	_, ok := Parse("cpus")
	require.False(t, ok)
}
