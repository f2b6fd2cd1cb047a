// The limits of the container that the agent runs in.

package agent

import (
	"errors"
	"os"
	"path"
	"strconv"
	"strings"
)

// container shows the limits and what is used of them, where somebody has said that they count. A part without a limit is
// left out, so that the machine's counts.
func (a *Agent) container(p *page) error {
	if !a.options.Container {
		return nil
	}
	text, err := os.ReadFile(a.path("proc/self/cgroup"))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3) // number:controllers:path
		if len(fields) < 3 {
			continue
		}
		switch controllers := strings.Split(fields[1], ","); {
		case fields[1] == "":
			a.cpuLimit(p, a.groups("", fields[2]))
			a.memoryLimit(p, a.groups("", fields[2]), "memory.max", "memory.current", "inactive_file")
		case controllers[0] == "memory":
			a.memoryLimit(p, a.groups("memory", fields[2]), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
		case controllers[0] == "cpu" || len(controllers) > 1 && controllers[1] == "cpu":
			a.oldCPULimit(p, a.groups(fields[1], fields[2]))
		}
	}
	return nil
}

// groups are the folders of a control group and of those around it, innermost first. Within a container its own is the
// topmost, whatever its name outside.
func (a *Agent) groups(controller, group string) (folders []string) {
	for group = path.Clean("/" + group); ; group = path.Dir(group) {
		folders = append(folders, a.path("sys/fs/cgroup", controller, group))
		if group == "/" {
			return folders
		}
	}
}

func (a *Agent) cpuLimit(p *page, groups []string) {
	for _, g := range groups {
		quota, period, _ := strings.Cut(readWord(path.Join(g, "cpu.max")), " ")
		cores, ok := divide(quota, period) // "max 100000" is none
		used, found := readKey(path.Join(g, "cpu.stat"), "usage_usec")
		if ok && found {
			writeCPULimit(p, cores, used/1e6)
			return
		}
	}
}

func (a *Agent) oldCPULimit(p *page, groups []string) {
	for _, g := range groups {
		cores, ok := divide(readWord(path.Join(g, "cpu.cfs_quota_us")), readWord(path.Join(g, "cpu.cfs_period_us"))) // -1 is none
		used, err := strconv.ParseFloat(readWord(path.Join(g, "cpuacct.usage")), 64)
		if ok && err == nil {
			writeCPULimit(p, cores, used/1e9)
			return
		}
	}
}

func writeCPULimit(p *page, cores, used float64) {
	p.one("steelyard_agent_cpu_limit_cores", "gauge", "CPUs that the container may use.", cores)
	p.one("steelyard_agent_cpu_used_seconds_total", "counter", "Seconds of CPU that it has used.", used)
}

// memoryLimit goes by the least limit. Pages of files that nobody has looked at lately can be had again, and do not count.
func (a *Agent) memoryLimit(p *page, groups []string, limitFile, usedFile, inactive string) {
	least, usedThere := 0.0, 0.0
	for _, g := range groups {
		limit, err := strconv.ParseFloat(readWord(path.Join(g, limitFile)), 64)
		used, alsoErr := strconv.ParseFloat(readWord(path.Join(g, usedFile)), 64)
		if errors.Join(err, alsoErr) != nil || limit >= 1<<60 || least > 0 && limit >= least {
			continue
		}
		again, _ := readKey(path.Join(g, "memory.stat"), inactive)
		least, usedThere = limit, max(0, used-again)
	}
	if least > 0 {
		p.one("steelyard_agent_memory_limit_bytes", "gauge", "Bytes of memory that the container may use.", least)
		p.one("steelyard_agent_memory_used_bytes", "gauge", "Bytes that it uses and that cannot be had again without loss.", usedThere)
	}
}

func divide(part, whole string) (float64, bool) {
	a, err := strconv.ParseFloat(part, 64)
	b, alsoErr := strconv.ParseFloat(whole, 64)
	if errors.Join(err, alsoErr) != nil || !(a > 0) || !(b > 0) {
		return 0, false
	}
	return a / b, true
}

// readWord is what a short file says; "" where it cannot be read.
func readWord(file string) string {
	text, _ := os.ReadFile(file) // what is not there has no limit
	return strings.TrimSpace(string(text))
}

// readKey is a line "key number" of a file.
func readKey(file, key string) (float64, bool) {
	for line := range strings.Lines(readWord(file)) {
		if name, rest, _ := strings.Cut(strings.TrimSpace(line), " "); name == key {
			v, err := strconv.ParseFloat(rest, 64)
			return v, err == nil
		}
	}
	return 0, false
}
