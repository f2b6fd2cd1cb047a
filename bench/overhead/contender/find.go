//go:build linux

package contender

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"text/template"

	"github.com/steelyard-proxy/steelyard/bench/peers"
)

// Kind is one proxy program, ready to be started.
type Kind struct {
	peers.Program
	config *template.Template
	policy Policy // of a steelyard
}

// Under is a steelyard that shares by the policy: a contender of its own.
func (k Kind) Under(p Policy) Kind {
	k.Name, k.policy = k.Name+"/"+p.String(), p
	return k
}

// Names are the contenders in the order in which they take turns.
var Names = []string{peers.Nginx, peers.HAProxy, peers.Steelyard}

// Find locates the named contenders. steelyard is the path of its program; the others are looked up in PATH and
// /usr/sbin and, by root, installed from Debian's packages when they are not there.
func Find(ctx context.Context, names []string, steelyard string) ([]Kind, error) {
	var kinds []Kind
	var missing []error
	for _, name := range names {
		kind, err := find(ctx, name, steelyard)
		if err != nil {
			missing = append(missing, err)
			continue
		}
		kinds = append(kinds, kind)
	}
	return kinds, errors.Join(missing...)
}

func find(ctx context.Context, name, steelyard string) (kind Kind, err error) {
	switch name {
	case peers.Nginx:
		kind.config = nginxTemplate
		kind.Program, err = packaged(ctx, name)
	case peers.HAProxy:
		kind.config = haproxyTemplate
		kind.Program, err = packaged(ctx, name)
	case peers.Steelyard:
		kind.config = steelyardTemplate
		kind.Program, err = peers.Ours(ctx, steelyard)
	default:
		return Kind{}, fmt.Errorf("find %q: no such contender: choose among %s", name, strings.Join(Names, ", "))
	}
	return kind, err
}

// packaged installs what is missing, by root.
func packaged(ctx context.Context, name string) (peers.Program, error) {
	program, missing := peers.Find(ctx, name)
	if !errors.Is(missing, peers.ErrMissing) {
		return program, missing
	}
	apt, err := exec.LookPath("apt-get")
	if err != nil || os.Geteuid() != 0 {
		return peers.Program{}, missing
	}
	fmt.Fprintf(os.Stderr, "installing %s from Debian's packages\n", name)
	for _, args := range [][]string{{"update", "-q"}, {"install", "-qy", "--no-install-recommends", name}} {
		cmd := exec.CommandContext(ctx, apt, args...)
		cmd.Env = append(slices.Clone(os.Environ()), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return peers.Program{}, fmt.Errorf("install %s: apt-get %s: %w\n%s", name, args[0], err, out)
		}
	}
	if program, missing = peers.Find(ctx, name); missing != nil {
		missing = fmt.Errorf("after the installation: %w", missing)
	}
	return program, missing
}
