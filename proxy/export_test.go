package proxy

// HeldBytes is how much of the budget for held bodies is taken.
func (h *Handler) HeldBytes() int64 { return h.memory.used.Load() }
