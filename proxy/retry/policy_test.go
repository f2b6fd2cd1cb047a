package retry_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/retry"
)

func TestDefault(t *testing.T) {
	unreached := retry.Failure{Leased: true, Elsewhere: true, Repeatable: true, Replayable: true}
	ended := retry.Failure{Leased: true, Sent: true, Elsewhere: true, Ended: true, Broke: true, Repeatable: true, Replayable: true}
	silent := retry.Failure{Leased: true, Sent: true, Elsewhere: true, Repeatable: true, Replayable: true}
	with := func(f retry.Failure, change func(*retry.Failure)) retry.Failure { change(&f); return f }
	twice := func(f *retry.Failure) { f.Idempotent = true }
	answered := func(status int) retry.Failure {
		return with(silent, func(f *retry.Failure) { f.Status = status })
	}
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
		"a second time":                        {moved, unreached, retry.Move},
		"again and again":                      {often, unreached, retry.Wait},
		"after it may have been read":          {resent, unreached, retry.GiveUp},
		"but may be done twice":                {resent, with(unreached, twice), retry.Move},
		"with part of its body gone":           {never, with(unreached, func(f *retry.Failure) { f.Repeatable = false }), retry.GiveUp},
		"with a body that is not sent twice":   {never, with(unreached, func(f *retry.Failure) { f.Replayable = false }), retry.Move},
		"by the client's fault":                {never, with(unreached, func(f *retry.Failure) { f.Elsewhere = false }), retry.GiveUp},
		"no endpoint had it":                   {never, with(unreached, func(f *retry.Failure) { f.Leased = false }), retry.GiveUp},
		"silent":                               {never, silent, retry.GiveUp},
		"silent, may be done twice":            {never, with(silent, twice), retry.Move},
		"silent, again and again":              {often, with(silent, twice), retry.GiveUp},
		"ended, who knows when":                {never, ended, retry.GiveUp},
		"ended while idle":                     {never, with(ended, func(f *retry.Failure) { f.DiedIdle = true }), retry.Resend},
		"ended while idle, after a move":       {moved, with(ended, func(f *retry.Failure) { f.DiedIdle = true }), retry.Resend},
		"ended while idle, twice":              {resent, with(ended, func(f *retry.Failure) { f.DiedIdle = true }), retry.GiveUp},
		"ended, doing it twice is nothing":     {never, with(ended, twice), retry.Move},
		"ended, and one before":                {retry.History{Moved: 1, Read: 1, Broke: 1}, with(ended, twice), retry.GiveUp},
		"ended, and one was silent":            {retry.History{Moved: 1, Read: 1}, with(ended, twice), retry.GiveUp},
		"silent, and one ended":                {retry.History{Moved: 1, Read: 1, Broke: 1}, with(silent, twice), retry.GiveUp},
		"unreached, and one ended":             {retry.History{Moved: 1, Read: 1, Broke: 1}, with(unreached, twice), retry.Move},
		"ended while idle, but not to be sent": {never, with(ended, func(f *retry.Failure) { f.DiedIdle, f.Replayable = true, false }), retry.GiveUp},
		"ended while idle, with half a body":   {never, with(ended, func(f *retry.Failure) { f.DiedIdle, f.Repeatable = true, false }), retry.GiveUp},
		"answered 429":                         {never, answered(429), retry.Move},
		"answered 503":                         {moved, answered(503), retry.Move},
		"answered 503 too often":               {retry.History{Moved: 2}, answered(503), retry.GiveUp},
		"answered 500":                         {never, answered(500), retry.GiveUp},
		"answered 500, may be done twice":      {never, with(answered(500), twice), retry.Move},
		"answered 404":                         {never, with(answered(404), twice), retry.GiveUp},
		"answered 503, and one ended":          {retry.History{Moved: 1, Read: 1, Broke: 1}, answered(503), retry.GiveUp},
		"nothing is known":                     {never, retry.Failure{}, retry.GiveUp},
	} {
		p := retry.Default()
		assert.Equal(t, c.want, p.Next(c.history, c.failure), name)
	}
}

// TestNeverTwiceByDefault goes through all there can be: what a server may have read goes elsewhere only
// where it may be done twice, or the server has said that it did nothing; and never to a third
// server after it broke one off.
func TestNeverTwiceByDefault(t *testing.T) {
	off, p := retry.Policy{Statuses: retry.NewStatuses(500, 503)}, retry.Default()
	for bits := range 1 << 9 {
		for _, status := range []int{0, 200, 429, 500, 503} {
			f := retry.Failure{
				Leased: bits&1 > 0, Sent: bits&2 > 0, Elsewhere: bits&4 > 0, Ended: bits&8 > 0, DiedIdle: bits&16 > 0,
				Idempotent: bits&32 > 0, Repeatable: bits&64 > 0, Replayable: bits&128 > 0, Broke: bits&256 > 0, Status: status,
			}
			for i := range 3 * 4 * 3 * 3 {
				h := retry.History{Resent: i % 3, Moved: i / 3 % 4, Read: i / 12 % 3, Broke: i / 36 % 3}
				switch got := p.Next(h, f); got {
				case retry.Move:
					require.True(t, f.Leased && f.Elsewhere && f.Repeatable && h.Moved < 2, "%+v after %+v", f, h)
					require.True(t, f.Idempotent || !f.Sent && h.Resent == 0 || status == 429 || status == 503, "%+v after %+v", f, h)
					require.True(t, f.Replayable || !f.Sent && status == 0, "%+v after %+v", f, h)
					require.False(t, f.Sent && h.Read > 0 && (f.Broke || h.Broke > 0), "%+v after %+v", f, h)
				case retry.Wait:
					require.True(t, f.Leased && !f.Sent && f.Repeatable && h.Resent == 0 && status == 0, "%+v after %+v", f, h)
				case retry.Resend:
					require.True(t, f.Ended && f.DiedIdle && f.Replayable && h.Resent == 0, "%+v after %+v", f, h)
				}
				require.Contains(t, []retry.Verdict{retry.GiveUp, retry.Resend}, off.Next(h, f), "switched off")
			}
		}
	}
}

func TestPause(t *testing.T) {
	p := retry.Default()
	for n, most := range []time.Duration{25, 25, 50, 100, 200, 250, 250} {
		require.Equal(t, most*time.Millisecond, p.Pause(n, 1))
		require.Zero(t, p.Pause(n, 0))
	}
	require.Equal(t, 250*time.Millisecond, p.Pause(1<<40, 1))
}

func TestStatuses(t *testing.T) {
	var s retry.Statuses
	s.Add(0, 100)
	s.Add(429, 429)
	s.Add(502, 1000)
	for status := range 1000 {
		require.Equal(t, status == 100 || status == 429 || status >= 502 && status <= 599, s.Has(status), status)
	}
	require.False(t, s.Has(-1))
}
