// Package handover starts a program that takes over from this one, and speaks with it.
//
// The new program gets descriptors: the listening sockets, a connection to the old program, and one to each
// older program that has not ended yet, because streams still run there; and the lines to servers that the old program has
// started, with a note each. A variable of the environment says which is which. The two speak in JSON, one message at a time:
//
//	new: ready      it has read its configuration, and its first probes are done
//	old: serve      take the sockets; with what the new one has to know
//	new: serving    it accepts connections; the old one stops to
//	old: load       how many requests the old one still has at each server, and how many wait for one, until it ends
//	new: servers    those that it has started, for the requests that wait in the old one
//
// Until "serving" the old program has given up nothing: whatever becomes of the new one, it serves on. If
// the old one is gone before it said "serve", the new one serves: it has the sockets, and nobody else does.
//
//	child, err := handover.Start(handover.Plan{Path: path, Args: os.Args, Env: os.Environ(), Sockets: sockets})
//	err = child.Ready(ctx)
//	err = child.Serve(ctx, handover.Serve{Load: load})
//
//	from, err := handover.Take() // in the new program; nil if it was started by anybody else
package handover
