// Package kubernetes scales a Deployment, a StatefulSet, a LeaderWorkerSet or anything else that has a scale subresource.
//
//	a, err := kubernetes.New(kubernetes.Options{Client: client, Group: "apps", Version: "v1", Kind: "deployments", Namespace: "llm", Name: "chat"})
//	count, err := a.Count(ctx)
//	err = a.Scale(ctx, autoscale.Order{ID: "7", From: 3, To: 2, Victims: []string{"chat-5d9f-x2"}})
//
// The subresource takes a number and cannot say which pod goes. A ReplicaSet takes the one with the lowest deletion cost
// of those that are ready: so a drained pod is marked first, and then the number is lowered (victims.go). A StatefulSet ends
// its highest ordinal: Choose tells whoever drains. The number is never lowered by more than there are drained pods, or
// pods that are not ready, so that no pod that works for somebody is ended, whatever others have done meanwhile.
//
// A HorizontalPodAutoscaler or a KEDA ScaledObject with the same target would undo every order: then all are refused
// (rivals.go). A number that somebody else has set is taken over, and told.
package kubernetes
