// What is read, and of whom.

package resource

// Resource is one of the figures that are a ratio, 0 to 1.
type Resource uint8

// The resources.
const (
	CPU        Resource = iota // time in which it was not idle
	CPUWait                    // time in which somebody waited for it
	Memory                     // what is not available
	MemoryWait                 // time in which somebody waited for memory
	Disk                       // of the fullest file system
	DiskWait                   // time in which somebody waited for disks
	DiskBusy                   // time in which the busiest disk worked
	GPU                        // time in which it did anything at all, mean of the endpoint's
	GPUMemory                  // of the fullest GPU
	Cache                      // of the engine's KV cache
	Resources                  // how many there are
)

var resourceNames = [Resources]string{
	"cpu", "cpu_wait", "memory", "memory_wait", "disk", "disk_wait", "disk_busy", "gpu", "gpu_memory", "kv_cache",
}

func (r Resource) String() string { return resourceNames[r] }

// Names are those of all resources.
func Names() []string { return resourceNames[:] }

// Parse is the resource with a name.
func Parse(name string) (r Resource, ok bool) {
	for i, n := range resourceNames {
		if n == name {
			return Resource(i), true
		}
	}
	return 0, false
}

// what is what a series is taken for.
type what uint8

const (
	clock what = iota
	cpuTime
	cpuWaits
	memTotal
	memAvailable
	memWaits
	oomKills
	mountSize
	mountAvailable
	mountReadOnly
	diskTime
	ioWaits
	cpuLimit // of the agent's container, in cores
	cpuUsed
	memLimit
	memUsed
	gpuBusyPercent
	gpuBusyRatio
	gpuUsed // in a unit that it shares with gpuFree and gpuAll
	gpuFree
	gpuAll
	gpuTemperature
	gpuPower
	gpuError
	cpuRatio // by Triton
	memAll   // likewise
	cacheUsed
)

// series is one name on a page.
type series struct {
	what         what
	label, value string // only lines that have it; "": all
}

// wanted are the names that are read, whoever serves them.
var wanted = map[string]series{
	// node_exporter, and steelyard agent where it says the same.
	"node_time_seconds":                          {what: clock},
	"node_cpu_seconds_total":                     {what: cpuTime},
	"node_pressure_cpu_waiting_seconds_total":    {what: cpuWaits},
	"node_memory_MemTotal_bytes":                 {what: memTotal},
	"node_memory_MemAvailable_bytes":             {what: memAvailable}, // never MemFree: what is cached can be had again
	"node_pressure_memory_waiting_seconds_total": {what: memWaits},
	"node_vmstat_oom_kill":                       {what: oomKills},
	"node_filesystem_size_bytes":                 {what: mountSize},
	"node_filesystem_avail_bytes":                {what: mountAvailable},
	"node_filesystem_readonly":                   {what: mountReadOnly},
	"node_disk_io_time_seconds_total":            {what: diskTime},
	"node_pressure_io_waiting_seconds_total":     {what: ioWaits},

	// steelyard agent in a container that has limits.
	"steelyard_agent_cpu_limit_cores":        {what: cpuLimit},
	"steelyard_agent_cpu_used_seconds_total": {what: cpuUsed},
	"steelyard_agent_memory_limit_bytes":     {what: memLimit},
	"steelyard_agent_memory_used_bytes":      {what: memUsed},

	// DCGM exporter; which of them there are its operator chooses.
	"DCGM_FI_DEV_GPU_UTIL":    {what: gpuBusyPercent},
	"DCGM_FI_DEV_FB_USED":     {what: gpuUsed}, // MiB
	"DCGM_FI_DEV_FB_FREE":     {what: gpuFree},
	"DCGM_FI_DEV_GPU_TEMP":    {what: gpuTemperature},
	"DCGM_FI_DEV_POWER_USAGE": {what: gpuPower},
	"DCGM_FI_DEV_XID_ERRORS":  {what: gpuError},

	// Triton says these of its machine.
	"nv_gpu_utilization":        {what: gpuBusyRatio},
	"nv_gpu_memory_used_bytes":  {what: gpuUsed},
	"nv_gpu_memory_total_bytes": {what: gpuAll},
	"nv_gpu_power_usage":        {what: gpuPower},
	"nv_cpu_utilization":        {what: cpuRatio},
	"nv_cpu_memory_used_bytes":  {what: memUsed},
	"nv_cpu_memory_total_bytes": {what: memAll},

	// Engines, of their caches.
	"vllm:kv_cache_usage_perc":          {what: cacheUsed},
	"vllm:gpu_cache_usage_perc":         {what: cacheUsed}, // before 0.10
	"sglang:token_usage":                {what: cacheUsed},
	"trtllm_kv_cache_utilization":       {what: cacheUsed},
	"llamacpp:kv_cache_usage_ratio":     {what: cacheUsed}, // of old ones
	"nv_trt_llm_kv_cache_block_metrics": {what: cacheUsed, label: "kv_cache_block_type", value: "fraction"},
}

// noDisk are file systems that nothing fills up, or that are full from the start.
var noDisk = map[string]bool{
	"tmpfs": true, "overlay": true, "squashfs": true, "devtmpfs": true, "ramfs": true, "iso9660": true, "erofs": true,
	"proc": true, "sysfs": true, "cgroup": true, "cgroup2": true, "nsfs": true, "fuse.lxcfs": true, "rpc_pipefs": true,
}
