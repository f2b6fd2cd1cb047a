// Kubernetes: endpoints found there, and servers scaled there.

package app

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strconv"

	"go.uber.org/zap"

	services "github.com/steelyard-proxy/steelyard/balancer/discovery/kubernetes"
	"github.com/steelyard-proxy/steelyard/balancer/discovery/kubernetes/api"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale/kubernetes"
)

// clusterOf is the client of the cluster that a configuration names, and the sum of its kubeconfig.
func clusterOf(kubeconfig, context string) (client *api.Client, sum [sha256.Size]byte, err error) {
	access, err := api.Find(kubeconfig, context)
	if err != nil {
		return nil, sum, err
	}
	if client, err = api.New(access); err != nil {
		return nil, sum, fmt.Errorf("kubernetes: %w", err)
	}
	if kubeconfig != "" {
		content, err := os.ReadFile(kubeconfig)
		if err != nil {
			return nil, sum, err
		}
		sum = sha256.Sum256(content)
	}
	return client, sum, nil
}

// newServiceSource finds the endpoints of a Service.
func newServiceSource(c *configs.Discovery, log *zap.Logger) (*services.Source, error) {
	client, _, err := clusterOf(c.Kubeconfig, c.Context)
	if err != nil {
		return nil, err
	}
	port := c.PortName
	if c.Port != 0 {
		port = strconv.Itoa(c.Port)
	}
	return services.New(services.Options{
		Client: client, Namespace: c.Namespace, Service: c.Service, Port: port, Scheme: c.Scheme,
		AllowLoopback: c.AllowLoopback, WithoutPods: c.IgnorePods,
		Log: func(text string) { log.Warn("discovery: "+text, zap.String("service", c.Service)) },
	})
}

// newClusterActuator scales what the configuration names.
func newClusterActuator(upstream string, c *configs.Actuator, client *api.Client, log *zap.Logger) (autoscale.Actuator, error) {
	t, ok := configs.ParseTarget(c.Target)
	if !ok {
		panic("BUG: a checked target cannot be read: " + c.Target)
	}
	return kubernetes.New(kubernetes.Options{
		Client: client, Group: t.Group, Version: t.Version, Kind: t.Kind, Namespace: c.Namespace, Name: t.Name,
		Log: func(text string) { log.Warn("scale: "+text, zap.String("upstream", upstream)) },
	})
}
