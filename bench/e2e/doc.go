// Package e2e runs the real program among real peers: the official OpenAI SDK,
// backends in processes of their own that are killed and revived, signals.
//
//	make e2e    # sets E2E; without it the tests are skipped
//
// It needs Node with npm for the SDK, which it installs into a temporary folder;
// without Node that part is skipped with a reason, or fails where CI is set.
package e2e
