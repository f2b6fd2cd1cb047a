// Package contract is an API server of Kubernetes for tests: objects in memory, and over HTTP what a real one of 1.37 was seen
// to do, its traps above all. It imports nothing of ours, so that it shares no mistake with what it tests.
//
//	s := contract.New()
//	s.Put("/apis/discovery.k8s.io/v1/namespaces/llm/endpointslices/chat-x", contract.Object{…})
//	http.Serve(listener, s)
//
// A version that was forgotten is an ERROR of the code 410 inside a 200. A bookmark is an object of the right kind whose
// endpoints are null. An unknown Service has an empty list of slices and a 200. A Scale of 0 replicas is spec: {}. A stale
// resourceVersion is a 409, -1 replicas a 422, an unknown kind a 404 in plain text. Down, Silent and Forget make it fail as
// servers do.
package contract
