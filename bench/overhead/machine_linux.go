// On what machine the figures came about.

package main

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/report"
)

// describe says on what, when and with which programs the figures came about.
func describe(r *Report, contenders []contender) {
	r.Date = time.Now().UTC().Format("2006-01-02 15:04 MST")
	r.Machine = report.ThisMachine().String()
	for _, c := range contenders {
		r.Versions = append(r.Versions, c.Version)
	}
	if out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output(); err == nil {
		r.Versions = append(r.Versions, "tree "+strings.TrimSpace(string(out)))
	}
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
