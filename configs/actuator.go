// Actuators: who starts and stops servers. Each kind has keys of its own.

package configs

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Actuator is who starts and stops servers. Which keys it has depends on its kind.
type Actuator struct {
	Kind string `yaml:"kind"`

	// Of several kinds.
	Command     []string      `yaml:"command,omitempty"` // process: the server; docker: of the container, none: the image's own; command: what carries an order out
	Env         []string      `yaml:"env,omitempty"`     // NAME=value
	Ports       string        `yaml:"ports,omitempty"`   // of the servers on this machine, first-last
	GPUs        []string      `yaml:"gpus,omitempty"`    // what {gpu} stands for, by slot
	StopTimeout time.Duration `yaml:"stop_timeout"`      // from SIGTERM to SIGKILL
	Timeout     time.Duration `yaml:"timeout,omitempty"` // of one call or one run

	// Of processes.
	Dir  string `yaml:"dir,omitempty"`  // that they work in; "": the gateway's
	Logs string `yaml:"logs,omitempty"` // the folder of a file for each server, absolute; "": what they write is not kept

	// Of docker.
	Socket        string `yaml:"socket,omitempty"` // of the engine, absolute
	Image         string `yaml:"image,omitempty"`
	ContainerPort int    `yaml:"container_port,omitempty"` // that the server listens on in its container; 0: it shares the machine's network and listens on {port}
	Create        string `yaml:"create,omitempty"`         // JSON that is laid over the body of POST /containers/create

	// Of kubernetes.
	Target     string `yaml:"target,omitempty"`     // as ParseTarget reads it
	Namespace  string `yaml:"namespace,omitempty"`  // "": that of the service account, or of the kubeconfig's context
	Kubeconfig string `yaml:"kubeconfig,omitempty"` // absolute; "": the service account of the pod
	Context    string `yaml:"context,omitempty"`    // of the kubeconfig; "": its current one

	// Of a webhook.
	URL        SecretURL `yaml:"url,omitempty"`         // or URLFile
	URLFile    string    `yaml:"url_file,omitempty"`    // a file that holds it, absolute
	SecretFile string    `yaml:"secret_file,omitempty"` // of keys for signatures, absolute; "": messages are not signed
	CountURL   SecretURL `yaml:"count_url,omitempty"`   // that says how many there are; "": what discovery finds counts

	// Of a command.
	CountCommand []string `yaml:"count_command,omitempty"` // that prints how many there are; none: what discovery finds counts
}

// The kinds of actuators.
const (
	ActuateProcess    = "process"
	ActuateDocker     = "docker"
	ActuateKubernetes = "kubernetes"
	ActuateWebhook    = "webhook"
	ActuateCommand    = "command"
)

var actuatorKinds = []string{ActuateProcess, ActuateDocker, ActuateKubernetes, ActuateWebhook, ActuateCommand}

// actuatorKeys are the kinds that a key has a meaning for.
var actuatorKeys = map[string][]string{
	"command":        {ActuateProcess, ActuateDocker, ActuateCommand},
	"env":            {ActuateProcess, ActuateDocker, ActuateCommand},
	"ports":          {ActuateProcess, ActuateDocker},
	"gpus":           {ActuateProcess, ActuateDocker},
	"stop_timeout":   {ActuateProcess, ActuateDocker},
	"timeout":        {ActuateWebhook, ActuateCommand},
	"dir":            {ActuateProcess},
	"logs":           {ActuateProcess},
	"socket":         {ActuateDocker},
	"image":          {ActuateDocker},
	"container_port": {ActuateDocker},
	"create":         {ActuateDocker},
	"target":         {ActuateKubernetes},
	"namespace":      {ActuateKubernetes},
	"kubeconfig":     {ActuateKubernetes},
	"context":        {ActuateKubernetes},
	"url":            {ActuateWebhook},
	"url_file":       {ActuateWebhook},
	"secret_file":    {ActuateWebhook},
	"count_url":      {ActuateWebhook},
	"count_command":  {ActuateCommand},
}

// What {name} and the like may stand for in a server's template, and in an order's command.
var (
	serverWords = []string{"{port}", "{name}", "{slot}", "{gpu}", "{upstream}"}
	orderWords  = []string{"{id}", "{upstream}", "{from}", "{to}", "{victims}"}
)

const (
	usualPorts  = "9100-9199"
	usualSocket = "/var/run/docker.sock"
	// Longer than a server needs that ends what it has begun, as it has none when it is stopped; not as long as a model takes to load.
	usualStop    = 30 * time.Second
	usualTimeout = 30 * time.Second
)

// resolve fills in what depends on the kind.
func (a *Actuator) resolve(p path, from places) {
	here := a.Kind == ActuateProcess || a.Kind == ActuateDocker
	if here && a.Ports == "" {
		a.Ports = usualPorts
	}
	if here && !from.given(p.key("stop_timeout")) {
		a.StopTimeout = usualStop
	}
	if a.Kind == ActuateDocker && a.Socket == "" {
		a.Socket = usualSocket
	}
	if (a.Kind == ActuateWebhook || a.Kind == ActuateCommand) && !from.given(p.key("timeout")) {
		a.Timeout = usualTimeout
	}
}

// ParsePorts reads a range of ports such as 9100-9199, or a single one.
func ParsePorts(text string) (first, last int, ok bool) {
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	first, err := parsePort(strings.TrimSpace(from))
	if err != nil || first == 0 {
		return 0, 0, false
	}
	last, err = parsePort(strings.TrimSpace(to))
	return first, last, err == nil && last >= first
}

// onMachine says whether the actuator's servers take ports of this machine.
func (a *Actuator) onMachine() bool { return a.Kind == ActuateProcess || a.Kind == ActuateDocker }

// nameOf is how the actuator calls the server of a slot.
func nameOf(upstream string, slot int) string { return upstream + "-" + strconv.Itoa(slot) }

// hasWord says whether a word such as {port} is anywhere in the template.
func (a *Actuator) hasWord(word string) bool {
	has := func(text string) bool { return strings.Contains(text, word) }
	return slices.ContainsFunc(a.Command, has) || slices.ContainsFunc(a.Env, has) || has(a.Dir) || has(a.Create)
}
