package wire

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// scripted is a connection that counts how often its timers are set and whose
// reads and writes return what the test says.
type scripted struct {
	net.Conn
	reads, writes           []outcome
	readArms, writeArms     int
	readUntil, writeUntil   time.Time
	readsDone, writeAttempt int
}

type outcome struct {
	n   int
	err error
}

func (s *scripted) Read([]byte) (int, error) {
	o := s.reads[0]
	s.reads = s.reads[1:]
	s.readsDone++
	return o.n, o.err
}

func (s *scripted) Write([]byte) (int, error) {
	s.writeAttempt++
	if len(s.writes) == 0 {
		return 0, errors.New("one write too many")
	}
	o := s.writes[0]
	s.writes = s.writes[1:]
	return o.n, o.err
}

func (s *scripted) SetReadDeadline(t time.Time) error {
	s.readArms++
	s.readUntil = t
	return nil
}

func (s *scripted) SetWriteDeadline(t time.Time) error {
	s.writeArms++
	s.writeUntil = t
	return nil
}

func (s *scripted) SetDeadline(t time.Time) error {
	_ = s.SetReadDeadline(t)
	return s.SetWriteDeadline(t)
}

// A keep-alive connection sets its timer once per time-out, not once per read.
func TestReadTimerIsArmedOnlyWhenNeeded(t *testing.T) {
	byte1 := outcome{n: 1}
	s := &scripted{reads: []outcome{byte1, byte1, byte1, byte1, byte1, {err: os.ErrDeadlineExceeded}, byte1, {err: os.ErrDeadlineExceeded}, byte1}}
	c := newConn(s, NewBuffers(64))

	require.NoError(t, c.Fill(0))
	assert.Zero(t, s.readArms, "no limit, no timer")

	late := Now() + 2*time.Hour
	require.NoError(t, c.Fill(late))
	assert.Equal(t, 1, s.readArms)
	assert.WithinDuration(t, deadline(late), s.readUntil, 0)

	require.NoError(t, c.Fill(late+time.Hour))
	assert.Equal(t, 1, s.readArms, "a timer that fires earlier will do")
	require.NoError(t, c.Fill(0))
	assert.Equal(t, 1, s.readArms)

	early := Now() + time.Hour
	require.NoError(t, c.Fill(early))
	assert.Equal(t, 2, s.readArms, "a timer that fires later will not")

	require.NoError(t, c.Fill(late))
	assert.Equal(t, 3, s.readArms, "it has fired too early and is set anew")
	assert.WithinDuration(t, deadline(late), s.readUntil, 0)

	require.NoError(t, c.Fill(0))
	assert.Equal(t, 4, s.readArms)
	assert.True(t, s.readUntil.IsZero(), "no limit: the timer that fired is switched off")
	assert.Equal(t, 9, s.readsDone)
}

// A write that the timer interrupted goes on for as long as the peer moves.
func TestWriteTimer(t *testing.T) {
	fired := os.ErrDeadlineExceeded
	s := &scripted{writes: []outcome{{2, fired}, {3, fired}, {5, nil}}}
	require.NoError(t, newConn(s, nil).WriteAll(make([]byte, 10), time.Hour))
	assert.Equal(t, 3, s.writeArms, "once for each piece that was taken")

	s = &scripted{writes: []outcome{{2, nil}}}
	require.NoError(t, newConn(s, nil).WriteAll(make([]byte, 2), 0))
	assert.Zero(t, s.writeArms, "no limit, no timer")

	broken := errors.New("broken")
	s = &scripted{writes: []outcome{{1, broken}}}
	assert.Equal(t, broken, newConn(s, nil).WriteAll(make([]byte, 2), time.Hour))

	s = &scripted{writes: []outcome{{0, fired}, {0, fired}}}
	c := newConn(s, nil)
	assert.Equal(t, ErrTimeout, c.WriteAll(make([]byte, 2), 1))
}

// Without a limit a timer that an earlier write has left armed means nothing.
func TestUnlimitedWriteAfterALimitedOne(t *testing.T) {
	s := &scripted{writes: []outcome{{1, nil}, {0, os.ErrDeadlineExceeded}, {1, nil}}}
	c := newConn(s, nil)
	require.NoError(t, c.WriteAll(make([]byte, 1), time.Hour))
	require.NoError(t, c.WriteAll(make([]byte, 1), 0))
	assert.True(t, s.writeUntil.IsZero())
}

func TestClock(t *testing.T) {
	assert.Zero(t, Within(0), "no limit is never")
	before := Now()
	limit := Within(time.Hour)
	assert.GreaterOrEqual(t, limit, before+time.Hour)
	assert.LessOrEqual(t, limit, Now()+time.Hour)
	assert.WithinDuration(t, time.Now(), At(Now(), Now()), time.Minute)
	assert.Equal(t, time.Hour, At(limit, Now()).Sub(At(limit-time.Hour, Now())))
}

// Logs follow the clock on the wall when it is stepped, though moments do not.
func TestStepOfTheWallClock(t *testing.T) {
	began := Now()
	defer func(before func() time.Time) { wall = before }(wall)
	wall = func() time.Time { return time.Now().Add(48 * time.Hour) }
	defer stepped.at.Store(0) // the clock is looked at anew by whoever comes next
	assert.WithinDuration(t, time.Now().Add(48*time.Hour), At(began, Now()+lookWall), time.Minute)
	assert.WithinDuration(t, time.Now().Add(48*time.Hour), At(began, Now()), time.Minute, "as it was seen last")
}
