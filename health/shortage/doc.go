// Package shortage tells what this process itself lacks, by the errors that come of it:
// file descriptors, ports, memory for sockets. Such an error says nothing of the server
// that was to be reached, and must not be held against it.
//
//	if shortage.Is(err) {
//		return // not the endpoint's fault
//	}
package shortage
