package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// describe says on what, when and with which programs the figures came about.
func describe(r *Report, contenders []contender) {
	r.Date = time.Now().UTC().Format("2006-01-02 15:04 MST")
	r.Machine = fmt.Sprintf("%s, %d cores, %s", cpuModel(), runtime.NumCPU(), kernel())
	r.Versions = []string{runtime.Version()}
	for _, c := range contenders {
		r.Versions = append(r.Versions, c.Version)
	}
	if out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output(); err == nil {
		r.Versions = append(r.Versions, "tree "+strings.TrimSpace(string(out)))
	}
}

func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // without it the line below says so
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		if strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor (" + runtime.GOARCH + ")"
}

func kernel() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "unknown kernel"
	}
	return "Linux " + string(bytes.TrimRight(u.Release[:], "\x00"))
}

// stolen is the time the host has kept the machine's cores from it, since it started: ticks of 10 ms, all cores.
func stolen() time.Duration {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line) // cpu user nice system idle iowait irq softirq steal
	if len(fields) < 9 {
		return 0
	}
	ticks, err := strconv.ParseInt(fields[8], 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
