package cost

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestTuningIsSpedWithTheServers: a server whose time runs ten times as fast reads ten times as much in a second, and a
// token takes it a tenth.
func TestTuningIsSpedWithTheServers(t *testing.T) {
	sped := Tuned.Sped(10)
	assert.Equal(t, 10*Tuned.Rate, sped.Rate)
	assert.Equal(t, Tuned.Step/10, sped.Step)
	assert.Equal(t, Tuned.Sample/10, sped.Sample)
	assert.Equal(t, 2*time.Millisecond, sped.Unseen)
	sped.Rate, sped.Step, sped.Sample, sped.Unseen = Tuned.Rate, Tuned.Step, Tuned.Sample, Tuned.Unseen
	assert.Equal(t, Tuned, sped, "what has no seconds in it is as it was")
}
