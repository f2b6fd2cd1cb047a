// Package command has a program run the replicas: an order is a run of a command, such as sbatch or terraform.
//
//	a := command.New(command.Options{
//		Args: []string{"scale-pool", "{upstream}", "{to}"}, CountArgs: []string{"count-pool", "{upstream}"}, Upstream: "chat", Timeout: time.Minute,
//	})
//	err := a.Scale(ctx, autoscale.Order{ID: "7", Upstream: "chat", From: 2, To: 4})
//
// In the arguments {id}, {upstream}, {from}, {to} and {victims} (separated by commas) stand for those of the order; the environment has
// them too, as SCALE_ID and so on. A server whose name has other signs than . - _ : [ ] @ + = is not asked to be stopped: discovery says
// what it is called, and a shell might read more in it. The exit status 0 says that the order is taken on. 75, which sysexits.h calls a temporary
// failure, and any other are tried again; 64 says that it is refused for good. The number is absolute and the id is always the same for
// one order, so that the program may do it twice.
//
// Another command prints the count, a number or JSON. Without it the count is unknown, and what discovery finds counts.
package command
