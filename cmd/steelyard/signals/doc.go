// Package signals hears what the process is sent, from its first moments to its last.
//
// A signal that nobody has asked for ends the process at once. A configuration tool that
// writes the file, starts the gateway and sends SIGHUP in one breath killed it so, and a
// SIGHUP during the graceful stop cut every stream. So the signals are asked for while this
// package is initialised, and are never given back. It imports next to nothing, so Go
// initialises it long before the large libraries and before main: keep it so.
//
//	ctx := signals.Context()   // ends at the first SIGTERM or SIGINT
//	<-signals.Hangups()        // a SIGHUP; one that came early is still there
//
// A command that knows no SIGHUP calls HangupsEnd first.
package signals
