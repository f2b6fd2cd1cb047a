// NVIDIA's GPUs, by nvidia-smi.

package agent

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	gpuInterval = 10 * time.Second
	gpuPatience = 8 * time.Second
	gpuFresh    = 3 * gpuInterval
)

// gpuFigures are the columns that are asked for, and what DCGM exporter calls them.
var gpuFigures = []struct{ column, name, help string }{
	{"utilization.gpu", "DCGM_FI_DEV_GPU_UTIL", "Percent of the time in which the GPU did anything."},
	{"memory.used", "DCGM_FI_DEV_FB_USED", "MiB of its memory that are in use."},
	{"memory.free", "DCGM_FI_DEV_FB_FREE", "MiB of its memory that are free."},
	{"temperature.gpu", "DCGM_FI_DEV_GPU_TEMP", "Degrees Celsius."},
	{"power.draw", "DCGM_FI_DEV_POWER_USAGE", "Watts."},
}

// oneGPU is a line of nvidia-smi's: NaN is what it does not say.
type oneGPU struct {
	index, uuid string
	figures     []float64
}

// gpus is what the program has said last.
type gpus struct {
	program string // "": there are none

	mu   sync.Mutex // guards the rest; not held while the program runs
	list []oneGPU
	at   time.Time
}

// ask runs the program once.
func (g *gpus) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, gpuPatience)
	defer cancel()
	columns := "index,uuid"
	for _, f := range gpuFigures {
		columns += "," + f.column
	}
	c := exec.CommandContext(ctx, g.program, "--query-gpu="+columns, "--format=csv,noheader,nounits")
	c.WaitDelay = time.Second // a driver that hangs holds the program, which holds the pipe
	out, err := c.Output()
	if ctx.Err() != nil {
		return fmt.Errorf("%s: no answer within %v", g.program, gpuPatience)
	}
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) && len(exit.Stderr)+len(out) > 0 {
			return fmt.Errorf("%s: %w: %s", g.program, err, firstLine(append(exit.Stderr, out...)))
		}
		return fmt.Errorf("%s: %w", g.program, err)
	}
	list, err := readGPUs(out)
	if err != nil {
		return fmt.Errorf("%s: %w", g.program, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.list, g.at = list, time.Now()
	return nil
}

func firstLine(text []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return line[:min(len(line), 200)]
}

// readGPUs reads what the program prints. "[N/A]" and its like are no numbers.
func readGPUs(text []byte) (list []oneGPU, err error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.TrimLeadingSpace, r.FieldsPerRecord = true, 2+len(gpuFigures)
	lines, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read what it printed: %w", err)
	}
	for _, l := range lines {
		one := oneGPU{index: l[0], uuid: l[1]}
		for _, cell := range l[2:] {
			v, err := strconv.ParseFloat(strings.TrimSpace(cell), 64)
			if err != nil || !(v >= 0) {
				v = math.NaN()
			}
			one.figures = append(one.figures, v)
		}
		list = append(list, one)
	}
	return list, nil
}

// write writes what was said last, unless that is too old.
func (g *gpus) write(p *page, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.list) == 0 || now.Sub(g.at) > gpuFresh {
		return
	}
	for i, f := range gpuFigures {
		p.family(f.name, "gauge", f.help)
		for _, one := range g.list {
			p.sample(f.name, one.figures[i], "gpu", one.index, "UUID", one.uuid)
		}
	}
}
