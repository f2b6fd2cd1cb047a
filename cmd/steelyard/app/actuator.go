// Actuators: who starts and stops the servers of an upstream.

package app

import (
	"fmt"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
)

// newActuator makes what the configuration asks for; nothing runs before its Run. Each kind has a case.
func newActuator(u *configs.Upstream, _ *zap.Logger) (autoscale.Actuator, error) {
	switch kind := u.Scale.Actuator.Kind; kind {
	default:
		return nil, fmt.Errorf("scale.actuator.kind: this program has no actuator of kind %s", kind)
	}
}
