package alert

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// writerVariable makes the test binary a process that puts one number after the other into the file it names, and
// says each when it is kept.
const writerVariable = "ALERT_STATE_WRITER"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerVariable); path != "" {
		write(path)
	}
	os.Exit(m.Run())
}

func write(path string) {
	s, err := Open(path)
	if err != nil || s.Damaged() != nil {
		fmt.Println("bad", err, s.Damaged())
		os.Exit(1)
	}
	n := 0
	_ = json.Unmarshal(s.Get("n"), &n)
	for {
		n++
		if err := s.Put("n", json.RawMessage(strconv.Itoa(n))); err != nil {
			fmt.Println("bad", err)
			os.Exit(1)
		}
		fmt.Println(n)
	}
}

// TestNothingThatWasKeptIsLostByAKill at whatever moment: what Put has said to be kept is there, whole.
func TestNothingThatWasKeptIsLostByAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alerts.json")
	last := 0
	for range 20 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), writerVariable+"="+path)
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		lines := bufio.NewScanner(out)
		for range 1 + rand.IntN(8) {
			require.True(t, lines.Scan())
			last, err = strconv.Atoi(lines.Text())
			require.NoError(t, err, lines.Text())
		}
		require.NoError(t, child.Process.Kill())
		for lines.Scan() { // what it said before it died
			if n, err := strconv.Atoi(lines.Text()); err == nil {
				last = n
			}
		}
		_ = child.Wait()
		s := open(t, path)
		require.NoError(t, s.Damaged())
		kept := 0
		require.NoError(t, json.Unmarshal(s.Get("n"), &kept))
		require.GreaterOrEqual(t, kept, last)
		require.LessOrEqual(t, kept, last+1, "what was not said yet may be there")
	}
}
