// What discovery and actuators of the kind kubernetes have in common: names, and the way to a cluster.

package configs

import (
	"slices"
	"strings"
)

// Target is an object of Kubernetes that has a scale subresource.
type Target struct{ Group, Version, Kind, Name string }

// kinds are the short ways to write a kind.
var kinds = map[string]Target{
	"deployment":      {Group: "apps", Version: "v1", Kind: "deployments"},
	"statefulset":     {Group: "apps", Version: "v1", Kind: "statefulsets"},
	"replicaset":      {Group: "apps", Version: "v1", Kind: "replicasets"},
	"leaderworkerset": {Group: "leaderworkerset.x-k8s.io", Version: "v1", Kind: "leaderworkersets"},
}

// ParseTarget reads "deployment/chat", or "RESOURCE.VERSION.GROUP/NAME" for any other kind.
func ParseTarget(text string) (t Target, ok bool) {
	kind, name, _ := strings.Cut(text, "/")
	t, short := kinds[kind]
	if !short {
		parts := strings.SplitN(kind, ".", 3)
		if len(parts) != 3 || slices.Contains(parts, "") {
			return t, false
		}
		t = Target{Kind: parts[0], Version: parts[1], Group: parts[2]}
	}
	t.Name = name
	for _, part := range []string{t.Kind, t.Version, t.Group, t.Name} {
		if !dnsName(part, 253) {
			return t, false
		}
	}
	return t, true
}

// dnsName says whether Kubernetes could call something so: labels of lower-case letters, digits and -, with dots between.
func dnsName(name string, most int) bool {
	if name == "" || len(name) > most {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// validateDNSName reports a name that no object has. An empty one is reported elsewhere.
func (r *report) validateDNSName(p path, name string, most int) {
	if name != "" && (!dnsName(name, most) || most <= 63 && strings.Contains(name, ".")) {
		r.add(p, "write it as kubectl shows it: lower-case letters, digits and -", "is no name in Kubernetes: %s", quote(name))
	}
}

// validateKubeconfig reports what is wrong with the way to a cluster.
func (r *report) validateKubeconfig(p path, namespace, kubeconfig, context string) {
	r.validateDNSName(p.key("namespace"), namespace, 63)
	if kubeconfig != "" {
		r.readFileAt(p.key("kubeconfig"), kubeconfig, "name a kubeconfig that this user may read, or leave it out inside a cluster; relative names start at the configuration file's folder")
	}
	if context != "" && kubeconfig == "" {
		r.add(p.key("context"), "give kubeconfig, or remove it", "is one of a kubeconfig, and none is given")
	}
}

// validateKubernetes reports what is wrong with discovery of the kind kubernetes.
func (r *report) validateKubernetes(p path, d *Discovery) {
	if d.Kind != "kubernetes" {
		return
	}
	r.validateDNSName(p.key("service"), d.Service, 63)
	r.validateKubeconfig(p, d.Namespace, d.Kubeconfig, d.Context)
	if d.PortName != "" {
		r.validateDNSName(p.key("port_name"), d.PortName, 63)
		if d.Port != 0 {
			r.add(p.key("port_name"), "keep one of the two", "port is given as well")
		}
	}
}

// validateTarget reports what is wrong with what an actuator of the kind kubernetes scales.
func (r *report) validateTarget(p path, a *Actuator) {
	r.validateKubeconfig(p, a.Namespace, a.Kubeconfig, a.Context)
	const remedy = "write deployment/NAME, statefulset/NAME, leaderworkerset/NAME, or RESOURCE.VERSION.GROUP/NAME"
	if a.Target == "" {
		r.missing(p.key("target"), remedy)
	} else if _, ok := ParseTarget(a.Target); !ok {
		r.add(p.key("target"), remedy, "names nothing that can be scaled: %s", quote(a.Target))
	}
}
