// Package keeper keeps one server process for a gateway, in a small process of its own between the two: the keeper. It
// starts the server in a process group, writes its log, and ends it, with all that it has started, when it is told to or
// when the gateway is gone, however that happened. So nothing of a server is left behind when a gateway is killed.
//
//	kept, err := keeper.Start(keeper.Plan{Name: "chat-0", Args: []string{"vllm", "serve", "m", "--port", "9100"}, StopTimeout: time.Minute})
//	kept.Stop()
//	<-kept.Ended()
//
// The keeper is this same program, started with a variable that only this package knows (see init). It is told by a
// line: a socket that only the gateway and the keeper have. When all copies of the gateway's end are closed the gateway is gone.
// A program that takes over from the gateway gets a copy (Kept.Copy, Take), and the server goes on.
//
// What a server has started is ended with it: its group by kill, and what has left the group because a keeper on Linux
// becomes the parent of all that lose theirs (PR_SET_CHILD_SUBREAPER). If the keeper itself is killed the server is
// killed by the kernel (Pdeathsig), and what is left besides is known by a variable of its environment: EndLeft ends
// it. On other systems than Linux what has left its group cannot be found, and is left.
package keeper
