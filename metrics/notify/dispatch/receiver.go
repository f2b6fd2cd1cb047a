// What is known of a receiver: its settings, and what it must be able to do.

package dispatch

import (
	"context"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/alert"
)

// Receiver is somebody who is told of alerts. It has either a Channel or Mirrors.
type Receiver struct {
	Name     string // the same name after a reload is the same receiver, whatever else changes
	Kind     string // for people
	Version  string // the same for the same settings: what is under way goes on over a reload; "": never the same
	Severity string // of alerts that are told: this one and graver ones
	Timing   Timing
	Channel  Channel
	Mirrors  []Mirror // each is told everything
	Watchdog bool     // of Mirrors: an alert that always fires is among them

	place int // among the receivers
}

// Timing says how soon and how often a receiver is told.
type Timing struct {
	Wait     Pair          // from a change to its message, so that others can join
	Interval time.Duration // between two messages about one group
	Repeat   Pair          // until what still fires is told again
}

// Pair is a duration for alerts that page somebody, and one for the others.
type Pair struct{ Page, Other time.Duration }

func (p Pair) of(severity string) time.Duration {
	if severity == alert.Page {
		return p.Page
	}
	return p.Other
}

// Usual is the timing of who asks for no other.
var Usual = Timing{
	Wait: Pair{10 * time.Second, 30 * time.Second}, Interval: 5 * time.Minute, Repeat: Pair{4 * time.Hour, 24 * time.Hour},
}

// Channel tells messages to one receiver. Only one goroutine calls it at a time.
type Channel interface {
	// Send tells a message. It may try several times, for minutes but not for hours; wanted says before each further
	// attempt whether the message still is. attempted hears of each attempt. A *Final error is not to be tried
	// again; a *Later one not before its time.
	Send(ctx context.Context, m *Message, wanted func() bool, attempted func(problem error)) error
	Close() // lets connections go
}

// Mirror is a receiver that is told how all alerts are, again and again. Only one goroutine calls it at a time.
type Mirror interface {
	Tell(ctx context.Context, alerts []alert.Alert, now time.Time) error
	Close()
}

// Final is an error that no further attempt would change.
type Final struct {
	Err  error
	Gone bool // the receiver wants no more messages at all
}

func (f *Final) Error() string { return f.Err.Error() }
func (f *Final) Unwrap() error { return f.Err }

// Later is an error of a receiver that asks to be left alone for a while.
type Later struct {
	Err   error
	After time.Duration
}

func (l *Later) Error() string { return l.Err.Error() }
func (l *Later) Unwrap() error { return l.Err }

// rank orders severities; an unknown one is the least.
func rank(severity string) int {
	switch severity {
	case alert.Page:
		return 2
	case alert.Ticket:
		return 1
	}
	return 0
}
