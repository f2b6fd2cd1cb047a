package conformance

import (
	"net"
	"testing"
)

// TestGatewayFindsAnotherPort takes the port that the gateway is to have, as a suite that runs beside this one may: one
// who listens there must not be taken for the gateway.
func TestGatewayFindsAnotherPort(t *testing.T) {
	if target.listens == nil {
		t.Skip("the log of " + target.name + " does not tell when it listens")
	}
	other, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	taken := other.Addr().String()
	asked := 0
	g, err := startGateway(t.TempDir(), settings{}, "127.0.0.1:9", func() string {
		if asked++; asked == 1 {
			return taken
		}
		return freeAddress()
	})
	if err != nil {
		t.Fatal(err)
	}
	if alive := g.kill(); !alive {
		t.Errorf("the gateway had ended:\n%s", g.log.text())
	}
	if g.addr == taken || asked < 2 {
		t.Errorf("it was to begin at %s, which is taken, and was taken to listen at %s", taken, g.addr)
	}
}
