// Package names keeps the addresses of servers that are reached by name, so that neither
// requests nor probes wait for a name server, or fail with it.
//
// Run looks a [Name] up beside them: every 5 s, and every second while that fails, while an
// address has gone missing, or after somebody doubted that the server is still there. Dial
// tries the addresses of the newest answer one after the other. Only a caller that comes
// before the first look-up has ended waits for it.
//
// What a failed look-up means:
//
//   - No answer, or one that says nothing of the name (a time-out, SERVFAIL, rubbish): what
//     is known stays in use, for ever.
//   - The name does not exist, or has no address: what is known stays in use until name
//     servers have said so for 30 s. Then connecting fails, until the name is back.
//
// Connections that are kept may lead to any address of the last three answers (Leads), since
// a name server may give some of many in turn.
//
//	n := names.New(names.Options{Address: "gpu.test:8000"}) // nil for 10.0.0.1:8000: all methods allow that
//	go n.Run(ctx)
//	conn, err := n.Dial(ctx, &net.Dialer{}, "tcp", "gpu.test:8000")
package names
