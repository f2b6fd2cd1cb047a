// Plain decimal numbers, and what makes others ambiguous.

package configs

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// decimal matches the numbers that every program and person reads alike.
var decimal = regexp.MustCompile(`^-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$`)

// IsDecimal says whether a number is in plain decimal digits. Others are refused everywhere, because they are read in
// different ways: 0100 is 64 to YAML and to Go's flags but 100 to a person, and 010 is 8 while 08 is 8 too.
func IsDecimal(text string) bool { return decimal.MatchString(text) }

// Plainer returns the text without what makes its first number ambiguous: a plus, underscores and leading zeros.
func Plainer(text string) string {
	rest, negative := strings.CutPrefix(text, "-")
	rest = strings.ReplaceAll(strings.TrimPrefix(rest, "+"), "_", "")
	for len(rest) > 1 && rest[0] == '0' && isDigit(rest[1]) {
		rest = rest[1:]
	}
	if negative {
		return "-" + rest
	}
	return rest
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

var errOdd = errors.New("begins with a plus or a needless 0")

// plainInt reads decimal digits with an optional minus, and nothing else.
func plainInt(text string) (int64, error) {
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, err
	}
	if strconv.FormatInt(number, 10) != text {
		return 0, strconv.ErrSyntax
	}
	return number, nil
}

// parsePort reads a port, 0 included.
func parsePort(digits string) (int, error) {
	port, err := strconv.ParseUint(digits, 10, 16)
	if err == nil && Plainer(digits) != digits {
		err = errOdd
	}
	return int(port), err
}

// parseDuration takes 1h05m but neither 010s nor +10s.
func parseDuration(text string) (time.Duration, error) {
	if Plainer(text) != text {
		return 0, errOdd
	}
	return time.ParseDuration(text)
}
