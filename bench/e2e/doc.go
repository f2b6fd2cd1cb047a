// Package e2e runs the real program among real peers: the official OpenAI SDK, simulated inference servers in processes
// of their own that are killed and revived, signals, a full port, promtool. What it holds steelyard to is what its user
// sees: answers, exit codes and what stands on the terminal.
//
//	make e2e                                        # sets E2E; without it the package only says so
//	E2E=1 go test -v -run Killed ./bench/e2e
//
// The SDK needs Node 20 with npm and is installed into a temporary folder; promtool comes with Debian's package
// prometheus. Where one of them is missing its test is skipped with the reason, or fails where CI is set. The commands of all
// pages are run here too (pages_test.go), so that they stay true.
//
// The test binary is its own simulated server: started with SIMULATED_SERVER it serves bench/backend and nothing else.
package e2e
