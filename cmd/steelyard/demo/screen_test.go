package demo

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestScreenRedrawsInPlace(t *testing.T) {
	var out bytes.Buffer
	width, height := 10, 24
	s := &screen{out: &out, size: func() (int, int) { return width, height }}
	s.draw([]string{"one", "two"})
	require.Equal(t, "\r\x1b[Jone\r\ntwo\r\n", out.String())
	out.Reset()
	s.draw([]string{"a line that is too long", "Σ\t\x1b[H\n"})
	require.Equal(t, "\x1b[2A\r\x1b[Ja line th\r\nΣ  [H \r\n", out.String(), "back over both lines, and no line wraps")
	out.Reset()
	height = 2
	s.draw([]string{"one", "two"})
	s.draw([]string{"three"})
	require.Equal(t, "\x1b[2A\r\x1b[Jone\r\n\x1b[1A\r\x1b[Jthree\r\n", out.String(), "no more lines than there are rows")
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
