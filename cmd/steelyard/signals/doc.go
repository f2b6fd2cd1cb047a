// Package signals receives the process's signals, from its first moments to its last.
//
// A signal that nobody has asked for ends the process at once. A configuration tool that
// wrote the file, started the gateway and sent SIGHUP right away killed it that way, and a
// SIGHUP during the graceful stop cut every stream. So this package asks for the signals while
// it is initialised, and never gives them back. It imports next to nothing, so that Go
// initialises it long before the large libraries and before main: keep it so.
//
//	ctx := signals.Context()   // ends at the first SIGTERM or SIGINT
//	<-signals.Hangups()        // a SIGHUP; one that came early is still there
//	<-signals.Upgrades()       // a SIGUSR2, likewise
//	<-signals.Later()        // a second SIGTERM or SIGINT, which ends the process where nobody asked for it
//
// A command that knows neither SIGHUP nor SIGUSR2 calls OthersEnd first.
package signals
