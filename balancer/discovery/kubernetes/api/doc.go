// Package api speaks to the API server of Kubernetes, with as much of its protocol as a gateway needs: get, list, watch, put
// and merge-patch of JSON objects. Kubernetes' own client would make the program three times as large.
//
//	access, err := api.Find("", "")        // the service account of the pod we run in; or a kubeconfig
//	client, err := api.New(access)
//	slices := api.Resource{Group: "discovery.k8s.io", Version: "v1", Kind: "endpointslices", Namespace: client.Namespace()}
//	version, err := client.List(ctx, slices, api.Query{Labels: "kubernetes.io/service-name=chat"}, each)
//	err = client.Watch(ctx, slices, api.Query{Version: version, Labels: "…"}, hear) // until the server ends it
//
// What the server refuses comes back as *Error, whose text says which verb on which resource is missing (403), or that it
// does not know who asks (401). Tokens and certificates in files are read again, since those of pods are replaced about
// hourly. Nothing that a server sends is believed to be short: bodies, lines and pages are bounded.
package api
