// Redrawing lines in place on a terminal.

package demo

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/term"
)

// newsLength is how many of the gateway's latest log lines stand below the table.
const newsLength = 5

// screen redraws a block of lines in place at the bottom of a terminal.
// It belongs to one goroutine.
type screen struct {
	out   io.Writer
	size  func() (width, height int)
	drawn int // lines of the last picture
}

// terminal returns a screen when out is a terminal that can move its cursor,
// nil otherwise.
func terminal(out io.Writer) *screen {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return &screen{out: out, size: func() (int, int) {
		width, height, err := term.GetSize(int(file.Fd()))
		if err != nil || width <= 0 || height <= 0 { // as inside script(1)
			return 80, 24
		}
		return width, height
	}}
}

// draw replaces the last picture. It wraps lines to the width and cuts the picture to the
// height, because the next draw could not remove lines that the terminal wrapped or
// scrolled. It blanks control characters for the same reason.
func (s *screen) draw(lines []string) {
	width, height := s.size()
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.drawn)
	}
	b.WriteString("\r\x1b[J")
	var wrapped []string
	for _, line := range lines {
		wrapped = append(wrapped, wrap([]rune(strings.Map(blankControl, line)), max(width-1, 1))...)
	}
	wrapped = wrapped[:min(len(wrapped), max(height-1, 1))]
	for _, line := range wrapped {
		b.WriteString(line)
		b.WriteString("\r\n")
	}
	s.drawn = len(wrapped)
	_, _ = io.WriteString(s.out, b.String()) // a terminal that is gone ends the demo by its signal
}

// wrapIndent stands before the rest of a wrapped line.
const wrapIndent = "          "

// wrap breaks a line at spaces, or within a word that is longer than a line.
func wrap(line []rune, width int) (lines []string) {
	indent := 0
	for len(line) > width {
		end := width
		for i := width; i > indent+(width-indent)/2; i-- {
			if line[i] == ' ' {
				end = i
				break
			}
		}
		lines = append(lines, strings.TrimRight(string(line[:end]), " "))
		indent = min(len(wrapIndent), width/2)
		line = append([]rune(wrapIndent[:indent]), []rune(strings.TrimLeft(string(line[end:]), " "))...)
	}
	return append(lines, string(line))
}

func blankControl(r rune) rune {
	if unicode.IsControl(r) {
		return ' '
	}
	return r
}

// news keeps the latest lines written to it: the gateway's log, while a table
// occupies the terminal.
type news struct {
	mu    sync.Mutex // guards lines; the log writes, the screen reads
	lines []string
}

// Write takes whole lines, as a log encoder writes them.
func (n *news) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, strings.Split(strings.TrimRight(string(p), "\n"), "\n")...)
	n.lines = n.lines[max(len(n.lines)-newsLength, 0):]
	return len(p), nil
}

// latest is a copy, oldest first.
func (n *news) latest() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.lines...)
}
