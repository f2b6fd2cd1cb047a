package failure

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestLine(t *testing.T) {
	refused := errors.New("connection refused")
	for _, c := range []struct {
		err  error
		want string
	}{
		{refused, "connection refused"},
		{&url.Error{Op: "Get", URL: "http://10.0.0.1/metrics", Err: refused}, "connection refused"},
		{fmt.Errorf("read: %w", context.DeadlineExceeded), "no answer within 2s"},
		{&url.Error{Op: "Get", URL: "http://10.0.0.1", Err: os.ErrDeadlineExceeded}, "no answer within 2s"},
		{errors.New("bad\xff"), "bad?"},
	} {
		assert.Equal(t, c.want, Line(c.err, 2*time.Second))
	}
}

func TestShort(t *testing.T) {
	assert.Equal(t, strings.Repeat("a", 200), Short(strings.Repeat("a", 200)))
	assert.Equal(t, strings.Repeat("a", 199)+"...", Short(strings.Repeat("a", 199)+"é"), "no half of a letter")
}
