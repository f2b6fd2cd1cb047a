// CPU, memory and pressure, from /proc.

package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// ticks is how many units of /proc/stat make a second, whatever the kernel's own clock runs at.
const ticks = 100

var cpuModes = []string{"user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"}

func (a *Agent) cpus(p *page) error {
	text, err := os.ReadFile(a.path("proc/stat"))
	if err != nil {
		return err
	}
	p.family("node_cpu_seconds_total", "counter", "Seconds that each CPU spent in each mode.")
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		number, is := strings.CutPrefix(fields[0], "cpu")
		if !is || number == "" {
			continue
		}
		for i, mode := range cpuModes {
			if i+1 >= len(fields) {
				break
			}
			v, err := strconv.ParseFloat(fields[i+1], 64)
			if err != nil {
				return fmt.Errorf("/proc/stat: %w", err)
			}
			p.sample("node_cpu_seconds_total", v/ticks, "cpu", number, "mode", mode)
		}
	}
	if text, err = os.ReadFile(a.path("proc/loadavg")); err != nil {
		return err
	}
	for i, name := range []string{"node_load1", "node_load5", "node_load15"} {
		if fields := strings.Fields(string(text)); i < len(fields) {
			v, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return fmt.Errorf("/proc/loadavg: %w", err)
			}
			p.one(name, "gauge", "Mean number of processes that run or wait.", v)
		}
	}
	return nil
}

// memoryLines are those of /proc/meminfo that are shown.
var memoryLines = map[string]bool{
	"MemTotal": true, "MemFree": true, "MemAvailable": true, "Buffers": true, "Cached": true, "SwapTotal": true, "SwapFree": true,
}

func (a *Agent) memory(p *page) error {
	text, err := os.ReadFile(a.path("proc/meminfo"))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		if !memoryLines[name] {
			continue
		}
		kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
		if err != nil {
			return fmt.Errorf("/proc/meminfo: %w", err)
		}
		p.one("node_memory_"+name+"_bytes", "gauge", name+" of /proc/meminfo.", kib*1024)
	}
	return nil
}

// pressureNames are what the lines "some" and "full" of a file are called.
var pressureNames = map[string]map[string]string{
	"cpu":    {"some": "node_pressure_cpu_waiting_seconds_total"},
	"memory": {"some": "node_pressure_memory_waiting_seconds_total", "full": "node_pressure_memory_stalled_seconds_total"},
	"io":     {"some": "node_pressure_io_waiting_seconds_total", "full": "node_pressure_io_stalled_seconds_total"},
}

// pressure may be missing: kernels before 4.20, and those that are built or started without it.
func (a *Agent) pressure(p *page) error {
	for _, of := range []string{"cpu", "memory", "io"} {
		text, err := os.ReadFile(a.path("proc/pressure", of))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotSupported) {
			return nil
		}
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			kind, _, _ := strings.Cut(line, " ")
			_, total, found := strings.Cut(line, "total=")
			name := pressureNames[of][kind]
			if !found || name == "" {
				continue
			}
			micro, err := strconv.ParseFloat(strings.TrimSpace(total), 64)
			if err != nil {
				return fmt.Errorf("/proc/pressure/%s: %w", of, err)
			}
			p.one(name, "counter", "Seconds in which processes waited for "+of+".", micro/1e6)
		}
	}
	return nil
}

func (a *Agent) kills(p *page) error {
	text, err := os.ReadFile(a.path("proc/vmstat"))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		if rest, is := strings.CutPrefix(line, "oom_kill "); is {
			n, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				return fmt.Errorf("/proc/vmstat: %w", err)
			}
			p.one("node_vmstat_oom_kill", "counter", "Processes that the kernel has killed for want of memory.", n)
		}
	}
	return nil
}
