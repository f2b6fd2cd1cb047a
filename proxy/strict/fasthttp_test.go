package strict

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
)

// README.md and proxy's doc.go say why fasthttp's codec is not on the path. That is held here to
// the version in use: should one refuse what it accepts today, they are to be written anew.
func TestPagesSayWhatFasthttpAccepts(t *testing.T) {
	accepted := 0
	for _, c := range refusedRequests {
		var head fasthttp.RequestHeader
		if head.Read(bufio.NewReader(strings.NewReader(c.head))) == nil {
			accepted++
		}
	}
	want := fmt.Sprintf("of %d ambiguous heads that steelyard refuses it accepts %d,", len(refusedRequests), accepted)
	for _, page := range []string{"../../README.md", "../doc.go"} {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		words := strings.Join(strings.Fields(strings.ReplaceAll(string(text), "\n//", "\n")), " ")
		assert.Contains(t, words, want, page)
	}
}

func TestFasthttpTakesCutBodiesForWhole(t *testing.T) {
	for name, request := range map[string]string{
		"between two chunks":    "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"within Content-Length": "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 20000\r\n\r\n" + strings.Repeat("x", 9000),
	} {
		t.Run(name, func(t *testing.T) {
			var r fasthttp.Request
			in := bufio.NewReader(strings.NewReader(request))
			require.NoError(t, r.Header.Read(in))
			require.NoError(t, r.ContinueReadBodyStream(in, 1<<20))
			_, err := io.ReadAll(r.BodyStream())
			assert.NoError(t, err, "fasthttp reports it now: say so in README.md and proxy/doc.go")
		})
	}
}
