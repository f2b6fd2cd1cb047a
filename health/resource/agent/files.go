// Disks and file systems.

package agent

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// statPatience is how long file systems may take, all together.
const statPatience = time.Second

// noStorage are kinds of file systems that keep nothing, or nothing of their own. node_exporter leaves out the same.
var noStorage = []string{
	"autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "fusectl", "hugetlbfs",
	"iso9660", "mqueue", "nsfs", "overlay", "proc", "procfs", "pstore", "rpc_pipefs", "securityfs", "selinuxfs", "squashfs",
	"sysfs", "tracefs",
}

// mountLine is one line of /proc/self/mounts.
type mountLine struct {
	device, at, kind string
	readOnly         bool
}

func (a *Agent) mounts(p *page) error {
	text, err := os.ReadFile(a.path("proc/self/mounts"))
	if err != nil {
		return err
	}
	list, sizes := mountLines(string(text)), map[string]size{}
	deadline := time.NewTimer(statPatience)
	defer deadline.Stop()
	late := false
	for _, m := range list {
		if _, is := a.stuck[m.at]; is && !a.answered(m.at) {
			continue
		}
		answer, done := make(chan size, 1), make(chan struct{})
		go func() { // it may never come back
			defer close(done)
			if s, err := sizeOf(a.path(m.at)); err == nil {
				answer <- s
			}
		}()
		if !late {
			select {
			case <-done:
			case <-deadline.C:
				late = true
			}
		}
		select {
		case s := <-answer:
			sizes[m.at] = s
		default:
			a.stuck[m.at] = done // at once ended where the file system refused
		}
	}
	families := []struct {
		name, help string
		of         func(mountLine, size) float64
	}{
		{"node_filesystem_size_bytes", "Bytes of the file system.", func(_ mountLine, s size) float64 { return s.all }},
		{"node_filesystem_free_bytes", "Bytes that are free.", func(_ mountLine, s size) float64 { return s.free }},
		{"node_filesystem_avail_bytes", "Bytes that are free for others than root.", func(_ mountLine, s size) float64 { return s.available }},
		{"node_filesystem_readonly", "Whether nothing can be written.", func(m mountLine, _ size) float64 { return flag(m.readOnly) }},
	}
	for _, f := range families {
		p.family(f.name, "gauge", f.help)
		for _, m := range list {
			if s, known := sizes[m.at]; known {
				p.sample(f.name, f.of(m, s), "device", m.device, "fstype", m.kind, "mountpoint", m.at)
			}
		}
	}
	for at := range a.stuck {
		if !a.answered(at) {
			err = fmt.Errorf("%s does not answer", at)
		}
	}
	return err
}

// answered reports whether a file system that was late has answered since, and forgets it then. The caller holds mu.
func (a *Agent) answered(at string) bool {
	select {
	case <-a.stuck[at]:
		delete(a.stuck, at)
		return true
	default:
		return false
	}
}

// size is what a file system has, in bytes.
type size struct{ all, free, available float64 }

func flag(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

// mountLines are the file systems that keep something. Of two at one place the later one is seen.
func mountLines(text string) (list []mountLine) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 4 || slices.Contains(noStorage, f[2]) {
			continue
		}
		m := mountLine{device: unescape(f[0]), at: unescape(f[1]), kind: f[2], readOnly: slices.Contains(strings.Split(f[3], ","), "ro")}
		if m.at == "/dev" || m.at == "/proc" || m.at == "/sys" || strings.HasPrefix(m.at, "/dev/") || strings.HasPrefix(m.at, "/proc/") || strings.HasPrefix(m.at, "/sys/") {
			continue
		}
		list = slices.DeleteFunc(list, func(other mountLine) bool { return other.at == m.at })
		list = append(list, m)
	}
	return list
}

// unescape puts back what the kernel writes as three octal digits: spaces and the like.
func unescape(s string) string {
	for i := 0; i+3 < len(s); i++ {
		if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); s[i] == '\\' && err == nil {
			s = s[:i] + string(rune(n)) + s[i+4:]
		}
	}
	return s
}

func (a *Agent) disks(p *page) error {
	text, err := os.ReadFile(a.path("proc/diskstats"))
	if err != nil {
		return err
	}
	p.family("node_disk_io_time_seconds_total", "counter", "Seconds in which the disk worked.")
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 13 || strings.HasPrefix(f[2], "loop") || strings.HasPrefix(f[2], "ram") || !a.wholeDisk(f[2]) {
			continue
		}
		ms, err := strconv.ParseFloat(f[12], 64)
		if err != nil {
			return fmt.Errorf("/proc/diskstats: %w", err)
		}
		p.sample("node_disk_io_time_seconds_total", ms/1e3, "device", f[2])
	}
	return nil
}

// wholeDisk tells a disk from its partitions, which /sys/block does not name.
func (a *Agent) wholeDisk(name string) bool {
	if _, err := fs.Stat(os.DirFS(a.path("sys")), "block"); err != nil {
		return true
	}
	_, err := os.Stat(a.path("sys/block", strings.ReplaceAll(name, "/", "!")))
	return err == nil
}
