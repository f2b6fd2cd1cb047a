package proxy

import "time"

// HeldBytes is how much of the budget for held bodies is taken.
func (h *Handler) HeldBytes() int64 { return h.memory.InUse() }

// Pace lets one line through in a while.
type Pace = pace

// Pass says whether a line may be written now, and how many were left out since the last.
func (p *pace) Pass(now time.Duration) (leftOut int64, ok bool) { return p.pass(now) }
