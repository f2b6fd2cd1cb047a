package requestlog

// WriteRows writes the rows that wait, as Run does from time to time.
func WriteRows(l *Log) { l.writeWaiting(false) }
