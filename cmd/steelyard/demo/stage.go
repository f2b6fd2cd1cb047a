// Parts that are started and stopped in order.

package demo

import (
	"context"
	"errors"
	"fmt"
)

// stage is one part that runs until it is ended, apart from the others, so that
// parts can be stopped in order.
type stage struct {
	name   string
	cancel context.CancelFunc
	done   chan struct{} // closed when the part has returned
	err    error         // of the part; read after done
}

// stages are running parts in the order they began. They belong to one goroutine.
type stages struct {
	running []*stage
	ended   chan *stage // by any part that returns, at most one is kept
}

func newStages() *stages { return &stages{ended: make(chan *stage, 1)} }

func (s *stages) begin(name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	next := &stage{name: name, cancel: cancel, done: make(chan struct{})}
	s.running = append(s.running, next)
	go func() {
		next.err = run(ctx)
		close(next.done)
		select {
		case s.ended <- next:
		default:
		}
	}()
}

// wait returns when ctx ends, or a part does. A part that ends without an error is one here; end
// reports the other errors.
func (s *stages) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case early := <-s.ended:
		if early.err != nil {
			return nil // end reports it
		}
		return fmt.Errorf("%s stopped by itself", early.name)
	}
}

// end stops the parts in the opposite order, each after the one before has
// returned, and says what failed.
func (s *stages) end() error {
	var problems []error
	for i := len(s.running) - 1; i >= 0; i-- {
		part := s.running[i]
		part.cancel()
		<-part.done
		if part.err != nil && !errors.Is(part.err, context.Canceled) {
			problems = append(problems, fmt.Errorf("%s: %w", part.name, part.err))
		}
	}
	return errors.Join(problems...)
}
