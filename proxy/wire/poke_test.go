package wire

import (
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPokeEndsWhatIsUnderWay(t *testing.T) {
	for what, wait := range map[string]func(*Conn) error{
		"fill":            func(c *Conn) error { return c.Fill(soon()) },
		"fill, unlimited": func(c *Conn) error { return c.Fill(0) },
		"read into":       func(c *Conn) error { _, err := c.ReadInto(make([]byte, 1), soon()); return err },
		"write":           func(c *Conn) error { return writeOn(c, within) },
		"unlimited write": func(c *Conn) error { return writeOn(c, 0) },
	} {
		t.Run(what, func(t *testing.T) {
			onEach(t, func(t *testing.T, c *Conn, _ net.Conn) {
				done := make(chan error, 1)
				started := make(chan struct{})
				go func() { close(started); done <- wait(c) }()
				<-started
				c.Poke()
				assert.Equal(t, ErrPoked, <-done)
				assert.True(t, c.Poked())
			})
		})
	}
}

func TestPokeEndsWhatComesLater(t *testing.T) {
	onEach(t, func(t *testing.T, c *Conn, peer net.Conn) {
		assert.False(t, c.Poked())
		say(t, peer, "unread")
		c.Poke()
		c.Poke()
		for range 2 {
			assert.Equal(t, ErrPoked, c.Fill(0))
			assert.Equal(t, ErrPoked, c.Fill(soon()))
			assert.Equal(t, ErrPoked, c.Fill(1), "also where the moment has passed")
			assert.Equal(t, ErrPoked, c.WriteAll([]byte("x"), 0))
			assert.Equal(t, ErrPoked, c.WriteAll([]byte("x"), within))
		}
		c.PokeRead()
		c.ResumeRead()
		assert.Equal(t, ErrPoked, c.Fill(soon()), "only PokeRead can be taken back")
		assert.Nil(t, c.buf)
	})
}

func TestPokeRead(t *testing.T) {
	onEach(t, func(t *testing.T, c *Conn, peer net.Conn) {
		for round := range 10 {
			done := make(chan error, 1)
			go func() { done <- c.Fill(soon()) }()
			if round%2 == 1 {
				runtime.Gosched() // so that the wait has begun in some rounds, and in others not
			}
			c.PokeRead()
			assert.Equal(t, ErrPoked, <-done)
			assert.Equal(t, ErrPoked, c.Fill(0))
			require.NoError(t, c.WriteAll([]byte("w"), within), "writes go on")
			_, err := io.ReadFull(peer, make([]byte, 1))
			require.NoError(t, err)

			c.ResumeRead()
			assert.False(t, c.Poked())
			say(t, peer, "r")
			if round%3 == 0 {
				require.NoError(t, c.Fill(0))
			}
			fillTo(t, c, 1)
			c.Discard(1)
		}
	})
}

// Everything that may go on at once does; the race detector looks on.
func TestPokeFromManyGoroutines(t *testing.T) {
	onEach(t, func(t *testing.T, c *Conn, peer net.Conn) {
		go func() { _, _ = io.Copy(io.Discard, peer) }()
		go func() {
			for peer.SetDeadline(time.Now().Add(within)) == nil {
				if _, err := peer.Write([]byte("abc")); err != nil {
					return
				}
			}
		}()
		var both sync.WaitGroup
		both.Go(func() {
			for c.Fill(soon()) == nil {
				c.Discard(c.Buffered())
			}
		})
		both.Go(func() {
			for c.WriteAll([]byte("0123456789"), within) == nil {
			}
		})
		var pokers sync.WaitGroup
		for range 4 {
			pokers.Go(c.Poke)
		}
		pokers.Wait()
		both.Wait()
		assert.NoError(t, c.Close())
		_ = peer.Close()
	})
}
