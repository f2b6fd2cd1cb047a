// Package failure says in a line why a server could not be heard, the same way for all who ask servers: probes, and those
// who ask engines and machines how they fare. A line has a bounded length, since a server may have chosen a part of it.
//
//	line := failure.Line(err, 2*time.Second) // "no answer within 2s"
package failure

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// Line is an error in a line, without the URL that was asked: whoever shows it has that beside it.
func Line(err error, patience time.Duration) string {
	if TimedOut(err) {
		return fmt.Sprintf("no answer within %v", patience)
	}
	if of, is := errors.AsType[*url.Error](err); is {
		err = of.Err
	}
	return Short(err.Error())
}

// TimedOut says whether the time was over before there was an answer.
func TimedOut(err error) bool {
	timeout, is := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || is && timeout.Timeout()
}

// Short is a text of valid UTF-8 and bounded length.
func Short(text string) string {
	const most = 200
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "..."
	}
	return strings.ToValidUTF8(text, "?")
}
