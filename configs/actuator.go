// Actuators: who starts and stops servers. Each kind has keys of its own.

package configs

import (
	"slices"
	"strings"
)

// Actuator is who starts and stops servers. Which keys it has depends on its kind.
type Actuator struct {
	Kind string `yaml:"kind"`
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

func (r *report) validateActuator(p path, a *Actuator, _ int) {
	if a.Kind == "" {
		r.missing(p.key("kind"), "write "+strings.Join(actuatorKinds, ", "))
		return
	}
	if !slices.Contains(actuatorKinds, a.Kind) {
		r.oneOf(p.key("kind"), a.Kind, actuatorKinds...)
	}
}
