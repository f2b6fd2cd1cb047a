// The progress bar of a bench.

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/steelyard-proxy/steelyard/bench/lab"
)

// bar shows the progress of a bench. It belongs to one goroutine.
type bar struct {
	out      io.Writer
	terminal bool
	width    func() int
	last     string    // what was going on
	told     time.Time // when that was last said, where there is no terminal
}

const (
	barCells  = 28
	tellEvery = 10 * time.Second // where lines cannot be drawn over
)

// terminalWidth says whether lines of out can be drawn over, and how long they may be.
func terminalWidth(out io.Writer) (func() int, bool) {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) || os.Getenv("TERM") == "dumb" {
		return nil, false
	}
	return func() int {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			return width
		}
		return 80
	}, true
}

func (b *bar) show(p lab.Progress) {
	if b.terminal {
		line := []rune(b.line(p))
		fmt.Fprintf(b.out, "\r\x1b[K%s", string(line[:min(len(line), max(b.width()-1, 1))]))
		return
	}
	if strings.HasPrefix(p.Doing, "simulating") && strings.HasPrefix(b.last, "simulating") && time.Since(b.told) < tellEvery {
		return // they pass quickly
	}
	if p.Doing != b.last || time.Since(b.told) >= tellEvery {
		fmt.Fprintf(b.out, "%3.0f %%  %s\n", 100*p.Done, p.Doing)
		b.last, b.told = p.Doing, time.Now()
	}
}

func (b *bar) line(p lab.Progress) string {
	full := int(p.Done * barCells)
	line := fmt.Sprintf("%s%s %3.0f %%", strings.Repeat("█", full), strings.Repeat("░", barCells-full), 100*p.Done)
	if left := p.Left.Round(time.Second); left > 0 {
		line += fmt.Sprintf("  %v left", left)
	}
	return line + "  " + p.Doing
}

// clear removes the bar from its line.
func (b *bar) clear() {
	if b.terminal {
		fmt.Fprint(b.out, "\r\x1b[K")
	}
}
