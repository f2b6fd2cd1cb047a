package wire

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

// poked counts what reaches it.
type poked struct{ times int }

func (p *poked) Poke() { p.times++ }

var errFirst, errSecond = errors.New("first"), errors.New("second")

func TestCancel(t *testing.T) {
	var c Cancel
	var dial, conn poked
	assert.NoError(t, c.Cause())
	assert.NoError(t, c.Bind(&dial))
	assert.NoError(t, c.Unbind())
	assert.NoError(t, c.Bind(&conn))
	c.Cancel(errFirst)
	c.Cancel(errSecond)
	assert.Zero(t, dial.times, "what is no longer waited for is left alone")
	assert.Equal(t, 1, conn.times)
	assert.Equal(t, errFirst, c.Cause(), "the first cause counts")

	assert.Equal(t, errFirst, c.Unbind())
	assert.Equal(t, errFirst, c.Bind(&dial))
	c.Cancel(errSecond)
	assert.Zero(t, dial.times, "nothing is bound to what was cancelled")

	c.Reset()
	assert.NoError(t, c.Cause())
	c.Cancel(errSecond)
	assert.Equal(t, 1, conn.times, "nor what was bound before the reset")
	assert.Equal(t, errSecond, c.Cause())
}

// Once Unbind has returned nil, the target is never poked: it may serve another.
func TestUnboundTargetIsNotPoked(t *testing.T) {
	for range 1000 {
		var c Cancel
		var target poked
		assert.NoError(t, c.Bind(&target))
		var race sync.WaitGroup
		race.Go(func() { c.Cancel(errFirst) })
		cause := c.Unbind()
		times := target.times // a data race, if a poke were still to come
		race.Wait()
		assert.Equal(t, cause != nil, times == 1)
		assert.Equal(t, times, target.times)
	}
}

// What has joined ends with the whole, once, and may end alone.
func TestCancelOfParts(t *testing.T) {
	var whole, one, other Cancel
	var waits, waitsToo poked
	whole.Join(&one)
	whole.Join(&other)
	assert.NoError(t, one.Bind(&waits))
	assert.NoError(t, other.Bind(&waitsToo))
	one.Cancel(errFirst)
	assert.Equal(t, 1, waits.times)
	assert.NoError(t, whole.Cause(), "a part ends alone")
	assert.NoError(t, other.Cause())

	whole.Cancel(errSecond)
	assert.Equal(t, 1, waits.times)
	assert.Equal(t, 1, waitsToo.times)
	assert.Equal(t, errFirst, one.Cause())
	assert.Equal(t, errSecond, other.Cause())

	var late Cancel
	whole.Join(&late)
	assert.Equal(t, errSecond, late.Cause(), "what joins late has ended as well")

	whole.Leave(&late)
	whole.Reset()
	assert.NoError(t, one.Cause())
	assert.Equal(t, errSecond, late.Cause(), "what has left is left alone")
	whole.Cancel(errFirst)
	assert.Equal(t, errFirst, one.Cause(), "parts stay parts over a reset")
}
