// Package shortage recognises errors that come from a shortage in this process or machine:
// of file descriptors, ports, or memory for sockets. Such an error says nothing of the server
// that should have been reached, and must not count against it.
//
//	if shortage.Is(err) {
//		return // not the endpoint's fault
//	}
package shortage
