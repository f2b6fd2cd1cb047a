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

// draw replaces the last picture. Lines are cut to the width, and the picture
// to the height, because a line that wraps could not be taken back; what would
// move the cursor is blanked for the same reason.
func (s *screen) draw(lines []string) {
	width, height := s.size()
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.drawn)
	}
	b.WriteString("\r\x1b[J")
	lines = lines[:min(len(lines), max(height-1, 1))]
	for _, line := range lines {
		runes := []rune(strings.Map(blankControl, line))
		b.WriteString(string(runes[:min(len(runes), max(width-1, 1))]))
		b.WriteString("\r\n")
	}
	s.drawn = len(lines)
	_, _ = io.WriteString(s.out, b.String()) // a terminal that is gone ends the demo by its signal
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
