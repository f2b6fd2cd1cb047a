// Package cluster runs the real program against a real control plane of Kubernetes: etcd, kube-apiserver and
// kube-controller-manager, with Deployments, ReplicaSets and EndpointSlices as they are. Only the kubelet is ours: it gives pods
// addresses, says that they are ready, and ends them.
//
//	make e2e-cluster        # the first time it builds the control plane, which takes half an hour of CPU
//
// The programs are built from the module in controlplane/, once per machine, into the folder that STEELYARD_CLUSTER names or
// the user's cache. The API server refuses addresses of loopback, so all of it runs in a network namespace of its own, in which
// 10.200.0.0/16 is this machine: that needs Linux and root.
package cluster
