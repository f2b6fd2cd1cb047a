// Package keda has KEDA's own generated client speak to the real program. It is a module of its own, so that nothing of
// KEDA or grpc-go comes near the program's; `make e2e-keda` runs it.
package keda
