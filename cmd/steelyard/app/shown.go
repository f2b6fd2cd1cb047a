// Figures and moments as the admin API shows them, nil where they are not known.

package app

import (
	"math"
	"time"
)

func figure(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

func moment(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}
