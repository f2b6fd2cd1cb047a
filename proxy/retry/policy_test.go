package retry_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/proxy/retry"
)

func TestDefault(t *testing.T) {
	unreached := retry.Failure{Leased: true, Elsewhere: true, Repeatable: true, Replayable: true}
	ended := retry.Failure{Leased: true, Sent: true, Elsewhere: true, Ended: true, Repeatable: true, Replayable: true}
	with := func(f retry.Failure, change func(*retry.Failure)) retry.Failure { change(&f); return f }
	var (
		never  retry.History
		moved  = retry.History{Moved: 1}
		often  = retry.History{Moved: 7}
		resent = retry.History{Resent: 1}
	)
	for name, c := range map[string]struct {
		history retry.History
		failure retry.Failure
		want    retry.Verdict
	}{
		"not reached":                          {never, unreached, retry.Move},
		"a second time":                        {moved, unreached, retry.Wait},
		"again and again":                      {often, unreached, retry.Wait},
		"after it may have been read":          {resent, unreached, retry.GiveUp},
		"with part of its body gone":           {never, with(unreached, func(f *retry.Failure) { f.Repeatable = false }), retry.GiveUp},
		"with a body that is not sent twice":   {never, with(unreached, func(f *retry.Failure) { f.Replayable = false }), retry.Move},
		"by the client's fault":                {never, with(unreached, func(f *retry.Failure) { f.Elsewhere = false }), retry.GiveUp},
		"no endpoint had it":                   {never, with(unreached, func(f *retry.Failure) { f.Leased = false }), retry.GiveUp},
		"may have been read":                   {never, with(unreached, func(f *retry.Failure) { f.Sent = true }), retry.GiveUp},
		"may have been read, after a move":     {moved, with(unreached, func(f *retry.Failure) { f.Sent = true }), retry.GiveUp},
		"ended, who knows when":                {never, ended, retry.GiveUp},
		"ended while idle":                     {never, with(ended, func(f *retry.Failure) { f.DiedIdle = true }), retry.Resend},
		"ended while idle, after a move":       {moved, with(ended, func(f *retry.Failure) { f.DiedIdle = true }), retry.Resend},
		"ended while idle, twice":              {resent, with(ended, func(f *retry.Failure) { f.DiedIdle = true }), retry.GiveUp},
		"ended, doing it twice is nothing":     {never, with(ended, func(f *retry.Failure) { f.Idempotent = true }), retry.Resend},
		"ended while idle, but not to be sent": {never, with(ended, func(f *retry.Failure) { f.DiedIdle, f.Replayable = true, false }), retry.GiveUp},
		"ended while idle, with half a body":   {never, with(ended, func(f *retry.Failure) { f.DiedIdle, f.Repeatable = true, false }), retry.GiveUp},
		"fresh connection ended":               {never, with(ended, func(f *retry.Failure) { f.Ended, f.Idempotent = false, true }), retry.GiveUp},
		"nothing is known":                     {never, retry.Failure{}, retry.GiveUp},
	} {
		assert.Equal(t, c.want, retry.Default.Next(c.history, c.failure), name)
	}
}

// TestNeverTwiceByDefault goes through all there can be: what another endpoint may have read goes
// nowhere else.
func TestNeverTwiceByDefault(t *testing.T) {
	for bits := range 1 << 8 {
		f := retry.Failure{
			Leased: bits&1 > 0, Sent: bits&2 > 0, Elsewhere: bits&4 > 0, Ended: bits&8 > 0, DiedIdle: bits&16 > 0,
			Idempotent: bits&32 > 0, Repeatable: bits&64 > 0, Replayable: bits&128 > 0,
		}
		for resent := range 3 {
			for moved := range 3 {
				switch got := retry.Default.Next(retry.History{Resent: resent, Moved: moved}, f); got {
				case retry.Move, retry.Wait:
					assert.True(t, f.Leased && !f.Sent && f.Repeatable && resent == 0, "%v after %+v", got, f)
				case retry.Resend:
					assert.True(t, f.Ended && f.Replayable && resent == 0, "%v after %+v", got, f)
				}
			}
		}
	}
}
