// Package kubernetes finds the endpoints of an upstream in the EndpointSlices of a Service, by the API server of a cluster.
//
//	source, err := kubernetes.New(kubernetes.Options{Client: client, Namespace: "llm", Service: "vllm", Port: "http"})
//	source.Run(ctx, sink)
//
// A Service has several slices, and the same pod may stand in two of them while it moves: the endpoints are the union, by
// the pods' UIDs. An address that another pod has by now is another endpoint (Endpoint.ID). Pods that are ready get requests.
// Those that were, and end now or are not ready any more, are Departing. Where none is ready, those that end but still
// serve are used, as kube-proxy does (union.go).
//
// A mirror keeps up with one kind of objects: it lists them and watches them from there (mirror.go). A version that the server has
// forgotten (410) is listed again, and the new list takes the old one's place in one step. What a server that is away,
// silent or slow had said stays. Only the Service itself tells one without pods from one that does not exist, since both
// have no slices: it is read after each list, and whenever no endpoint is left (service.go).
//
// Capacity and slots stand in steelyard.dev/capacity and steelyard.dev/slots, an annotation or a label of the pod, of the
// slice, or of the Service; the first of these that has it counts.
package kubernetes
