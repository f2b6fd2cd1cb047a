// Package docker runs the replicas of an upstream as containers of the Docker Engine on this machine, which it asks over its unix
// socket.
//
//	a := docker.New("chat", "/var/run/docker.sock", docker.Settings{
//		Image: "vllm/vllm-openai:v0.11.0", Command: []string{"--model", "m"}, ContainerPort: 8000, First: 9100, Last: 9199, Most: 8,
//	}, log)
//	err := a.Scale(ctx, autoscale.Order{ID: "7", To: 2})
//
// A container is ours by its label steelyard.upstream; steelyard.slot and steelyard.port say which one it is. What there is,
// is always what the engine says: a gateway that was killed, at whatever moment, finds its containers again, and
// the name of a slot can be given only once, so that two gateways do not both start it. A container that ends by itself is
// started again by the engine (restart policy unless-stopped). Containers outlive the gateway.
//
// The version of the API is negotiated: the engine's own, but none newer than this package was written for. An engine of 2026
// refuses versions below 1.44, one of 2023 knows none above 1.41.
package docker
