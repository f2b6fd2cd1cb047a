package proxy

// HeldBytes is how much of the budget for held bodies is taken.
func (h *Handler) HeldBytes() int64 { return h.memory.used.Load() }

// WriteRequestRows writes the rows that wait, as Run does from time to time.
func WriteRequestRows(l *RequestLog) { l.writeWaiting(false) }
