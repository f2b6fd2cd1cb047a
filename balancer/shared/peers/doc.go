// Package peers carries what gateways tell each other over HTTP, where there is no store: each tells each other one, and
// gets the other's page as the answer.
//
//	p := peers.New(peers.Options{Addresses: []string{"http://10.0.0.2:9090"}, Key: key, Timeout: 20 * time.Millisecond})
//	g := shared.New(shared.Options{Transport: p, Gateways: p.Count, ...})
//	http.Handle(peers.Path, p)
package peers
