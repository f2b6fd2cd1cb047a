package demo

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestScreenRedrawsInPlace(t *testing.T) {
	var out bytes.Buffer
	width, height := 13, 24
	s := &screen{out: &out, size: func() (int, int) { return width, height }}
	s.draw([]string{"one", "two"})
	require.Equal(t, "\r\x1b[Jone\r\ntwo\r\n", out.String())
	out.Reset()
	s.draw([]string{"a line that is too long", "Σ\t\x1b[H\n"})
	require.Equal(t, "\x1b[2A\r\x1b[Ja line that\r\n      is too\r\n      long\r\nΣ  [H \r\n", out.String(), "back over both lines, wrapped by us")
	out.Reset()
	height = 2
	s.draw([]string{"one", "two"})
	s.draw([]string{"three"})
	require.Equal(t, "\x1b[4A\r\x1b[Jone\r\n\x1b[1A\r\x1b[Jthree\r\n", out.String(), "no more lines than there are rows")
}

// TestNothingIsLostAtEightyColumns, nor at forty: the end of a row is where it says what is wrong.
func TestNothingIsLostAtEightyColumns(t *testing.T) {
	var w window
	rows, perSecond := w.add(time.Now(), fixed(60, 120, 20))
	rows[2].health = "OUT, draining 4 s: " + strings.Repeat("a reason ", 20) + strings.Repeat("x", 100) + "; unreachable"
	for _, width := range []int{40, 80} {
		for _, line := range table(rows, perSecond) {
			parts := wrap([]rune(line), width-1)
			for _, part := range parts {
				require.Less(t, utf8.RuneCountInString(part), width)
			}
			require.Equal(t, strings.Join(strings.Fields(line), ""), strings.Join(strings.Fields(strings.Join(parts, " ")), ""))
			if width == 80 && !strings.HasPrefix(line, "medium") {
				require.Len(t, parts, 1, line)
			}
		}
	}
}

func TestFilesAndBuffersAreNoTerminal(t *testing.T) {
	require.Nil(t, terminal(&bytes.Buffer{}))
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer file.Close()
	require.Nil(t, terminal(file))
}

func TestNewsKeepsTheLatestLines(t *testing.T) {
	var n news
	require.Empty(t, n.latest())
	for i := range 9 {
		fmt.Fprintf(&n, "line %d\nmore of it\n", i)
	}
	require.Equal(t, []string{"more of it", "line 7", "more of it", "line 8", "more of it"}, n.latest())
}
