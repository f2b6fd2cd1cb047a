// The flags of the demo, and their errors.

package demo

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
)

// settings are the flags.
type settings struct {
	quiet, noLoad bool
	week          bool
	elastic       bool
	day           time.Duration // of elastic
	listen, admin string        // host:port
}

// UsageError is a command line that cannot be right.
type UsageError struct{ text string }

// Error says what to give instead.
func (e *UsageError) Error() string { return e.text }

func badFlag(format string, args ...any) error { return &UsageError{fmt.Sprintf(format, args...)} }

// check finds errors that would otherwise come later, and less clearly.
func (s settings) check() error {
	for _, flag := range s.addresses() {
		_, port, err := net.SplitHostPort(flag.address)
		if err != nil {
			return badFlag("--%s %s: give HOST:PORT, for example 127.0.0.1:%s", flag.name, flag.address, flag.usualPort)
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return badFlag("--%s %s: the port must be a number from 0 to 65535", flag.name, flag.address)
		}
	}
	if s.elastic && s.day < leastDay {
		return badFlag("--day %s: give at least %s: servers take a moment to start", s.day, leastDay)
	}
	if s.listen == s.admin && !hasPort(s.listen, "0") {
		return badFlag("--listen and --admin are both %s: give one of them another port", s.listen)
	}
	return nil
}

type addressFlag struct{ name, address, usualPort string }

func (s settings) addresses() []addressFlag {
	return []addressFlag{{"listen", s.listen, "8080"}, {"admin", s.admin, "9090"}}
}

func hasPort(address, port string) bool {
	_, p, err := net.SplitHostPort(address)
	return err == nil && p == port
}

// explain says what the user can do about a failure to bind.
func (s settings) explain(err error) error {
	failed, ok := errors.AsType[*app.ListenError](err)
	if !ok {
		return err
	}
	flag := "--listen"
	if failed.Admin {
		flag = "--admin"
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is taken by another program: stop it, or give another address with %s", failed.Address, flag)
	}
	if remedy := failed.Remedy(); remedy != "" {
		return fmt.Errorf("%s %s: %w: %s", flag, failed.Address, failed.Err, remedy)
	}
	return fmt.Errorf("%s %s: %w", flag, failed.Address, failed.Err)
}

// loadTarget is where the load goes: the gateway's address as it was bound,
// with an unspecified host replaced by loopback's.
func loadTarget(bound net.Addr) (string, error) {
	tcp, ok := bound.(*net.TCPAddr)
	if !ok {
		return "", fmt.Errorf("load: the gateway listens on %s, which is no TCP address", bound)
	}
	ip := tcp.IP
	switch {
	case ip.IsUnspecified() && ip.To4() != nil:
		ip = net.IPv4(127, 0, 0, 1)
	case ip.IsUnspecified():
		ip = net.IPv6loopback
	case !ip.IsLoopback():
		return "", badFlag("the load is sent to loopback only and --listen is %s: listen on a loopback address, or run with --no-load", bound)
	}
	return "http://" + net.JoinHostPort(ip.String(), strconv.Itoa(tcp.Port)), nil
}
