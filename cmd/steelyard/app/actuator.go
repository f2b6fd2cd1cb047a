// Actuators: who starts and stops the servers of an upstream, as the configuration asks for it.

package app

import (
	"crypto/sha256"
	"fmt"
	"reflect"

	"github.com/steelyard-proxy/steelyard/balancer/discovery/kubernetes/api"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale/command"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale/docker"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale/process"
	orders "github.com/steelyard-proxy/steelyard/metrics/autoscale/webhook"
	"github.com/steelyard-proxy/steelyard/metrics/notify"
)

// wantedActuator is what the configuration asks for. Its files have been read.
type wantedActuator struct {
	config *configs.Actuator // nil: nobody starts or stops servers
	most   int               // servers
	files  [sha256.Size]byte // of their contents
	target notify.Target     // of a webhook
	client *api.Client       // of a cluster
}

func prepareActuator(s *configs.Scale) (w wantedActuator, err error) {
	if s == nil || s.Actuator == nil {
		return w, nil
	}
	w.config, w.most = s.Actuator, s.Max
	if w.config.Kind == configs.ActuateWebhook {
		w.target, w.files, err = readTarget(string(w.config.URL), w.config.URLFile, w.config.SecretFile)
		w.target.Timeout = w.config.Timeout
	}
	if w.config.Kind == configs.ActuateKubernetes {
		w.client, w.files, err = clusterOf(w.config.Kubeconfig, w.config.Context)
	}
	return w, err
}

func (w *wantedActuator) same(other *wantedActuator) bool {
	return reflect.DeepEqual(w.config, other.config) && w.most == other.most && w.files == other.files
}

// filesChanged says whether a file has other contents than before or cannot be read any more.
func (w *wantedActuator) filesChanged() bool {
	if w.config == nil {
		return false
	}
	now, err := prepareActuator(&configs.Scale{Max: w.most, Actuator: w.config})
	return err != nil || now.files != w.files
}

// fileNames are those that are named.
func (w *wantedActuator) fileNames() []string {
	if w.config == nil {
		return nil
	}
	return []string{w.config.URLFile, w.config.SecretFile, w.config.Kubeconfig}
}

// configure takes over other settings where the actuator can: servers that run are left alone. Otherwise there must be another actuator.
func (w *wantedActuator) configure(a autoscale.Actuator) bool {
	switch running := a.(type) {
	case *process.Actuator:
		if w.config != nil && w.config.Kind == configs.ActuateProcess {
			running.Configure(processSettings(w.config, w.most))
			return true
		}
	case *docker.Actuator:
		if w.config != nil && w.config.Kind == configs.ActuateDocker && w.config.Socket == running.Socket() {
			running.Configure(dockerSettings(w.config, w.most))
			return true
		}
	}
	return false
}

// newActuator makes what is asked for; nothing runs before its Run. Each kind has a case.
func (f *fleet) newActuator(upstream string, w *wantedActuator) (autoscale.Actuator, error) {
	c := w.config
	switch c.Kind {
	case configs.ActuateProcess:
		return f.processes.actuator(upstream, processSettings(c, w.most), f.events), nil
	case configs.ActuateDocker:
		return docker.New(upstream, c.Socket, dockerSettings(c, w.most), f.events), nil
	case configs.ActuateWebhook:
		return orders.New(orders.Options{Target: w.target, CountURL: notify.NewSecret(string(c.CountURL)), Gateway: f.sender.gateway}), nil
	case configs.ActuateCommand:
		return command.New(command.Options{Upstream: upstream, Args: c.Command, CountArgs: c.CountCommand, Env: c.Env, Timeout: c.Timeout}), nil
	case configs.ActuateKubernetes:
		return newClusterActuator(upstream, c, w.client, f.log)
	default:
		return nil, fmt.Errorf("scale.actuator.kind: this program has no actuator of kind %s", c.Kind)
	}
}

func processSettings(c *configs.Actuator, most int) process.Settings {
	first, last, _ := configs.ParsePorts(c.Ports)
	return process.Settings{
		Command: c.Command, Env: c.Env, Dir: c.Dir, First: first, Last: last, GPUs: c.GPUs, Logs: c.Logs, Most: most, StopTimeout: c.StopTimeout,
	}
}

func dockerSettings(c *configs.Actuator, most int) docker.Settings {
	first, last, _ := configs.ParsePorts(c.Ports)
	return docker.Settings{
		Image: c.Image, Command: c.Command, Env: c.Env, First: first, Last: last, ContainerPort: c.ContainerPort, GPUs: c.GPUs,
		Create: c.Create, Most: most, StopTimeout: c.StopTimeout,
	}
}
