// Looks at servers and program while a trial runs.

package chaos

import (
	"context"
	"time"
)

// look is what was seen at one instant.
type look struct {
	at       time.Duration // from the start of the trial
	inFlight [count]int64  // at each server
	asked    bool          // steelyard was asked of the faulty server
	out      bool          // and it gets no requests
	resident int64         // bytes of the program, 0: not looked at
}

// watch looks at servers and program until it is told to stop. Its looks belong to the goroutine that runs it.
type watch struct{ looks []look }

// lookEvery is how exact the moments are that are found by looking.
const lookEvery = 20 * time.Millisecond

func (w *watch) run(ctx context.Context, s *stand) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := look{at: time.Since(s.start)}
		for i, server := range s.servers {
			now.inFlight[i] = server.counts(ctx).InFlight
		}
		if n%2 == 0 {
			now.out, now.asked = s.out(ctx, s.servers[victim].name)
		}
		if n%10 == 0 {
			now.resident = resident(s.process)
		}
		w.looks = append(w.looks, now)
	}
}
