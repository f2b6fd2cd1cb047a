// Package store speaks with a Redis server, for those who keep there what several programs must know: who serves, and
// what gateways tell each other. It keeps nothing itself, and knows nothing of what it carries.
//
// A [Client] dials at the first call, and keeps a few connections. Each call ends within Options.Timeout, dialling
// included, whether the server is away, slow, or stopped in the middle of an answer. Nothing is sent twice: whether to
// try again is for the caller to say.
//
// With several addresses, the server among them that calls itself master is used. After an error of the connection, and
// after one by which a server says that it is no master or not ready, the next call looks for the master anew. That is
// all that a failover needs here; there is no Sentinel and no cluster in it.
//
// An [Error] says in words what is wrong and what helps, and never a password.
//
//	o, err := store.Parse("redis://10.0.0.7:6379/0")
//	c := store.New(o)
//	defer c.Close()
//	reply, err := c.Do(ctx, "GET", "key")
//
// The library is redigo: it is small, since it has no method per command (scaling a client with thousands of them into
// this program costs 8 MB), and it does not try again by itself.
package store
