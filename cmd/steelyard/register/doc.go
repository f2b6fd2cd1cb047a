// Package register keeps one server registered while it lives: beside the server, or as the one that starts it.
//
// A Keeper announces the server to a store by a Registrar, three times in a record's life. With a check, it does so from
// the first time that the server answers it, and says that the server departs while it does not. When told to stop it first
// says that the server departs, and gives gateways time to finish what is under way there; then it stops the server that
// it has started, and takes the record away.
//
//	k := register.New(register.Options{Registrar: r, Command: []string{"vllm", "serve", "m"}, Drain: 20 * time.Second, Log: log})
//	err := k.Run(ctx) // an *Exit is the end of the server that it started
package register
