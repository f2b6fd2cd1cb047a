package proxy

// WriteRequestRows writes the rows that wait, as Run does from time to time.
func WriteRequestRows(l *RequestLog) { l.writeWaiting(false) }
