//go:build linux

package contender

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

// Kind is one proxy program, ready to be started.
type Kind struct {
	Name    string
	Path    string // of the program
	Version string // as it states it

	policy   Policy // of a steelyard
	config   *template.Template
	fileName string
	args     func(config string) []string
}

// Under is a steelyard that shares by the policy: a contender of its own.
func (k Kind) Under(p Policy) Kind {
	k.Name, k.policy = k.Name+"/"+p.String(), p
	return k
}

// Names are the contenders in the order in which they take turns.
var Names = []string{"nginx", "haproxy", "steelyard"}

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

func find(ctx context.Context, name, steelyard string) (Kind, error) {
	kind := Kind{Name: name, Path: steelyard, fileName: name + ".conf"}
	version := "-v"
	switch name {
	case "nginx":
		kind.config = nginxTemplate
		kind.args = func(config string) []string {
			return []string{"-p", filepath.Dir(config), "-e", "stderr", "-c", config}
		}
	case "haproxy":
		kind.config = haproxyTemplate
		kind.args = func(config string) []string { return []string{"-db", "-f", config} }
	case "steelyard":
		kind.config, kind.fileName, version = steelyardTemplate, "steelyard.yaml", "version"
		kind.args = func(config string) []string { return []string{"serve", "--config", config} }
	default:
		return Kind{}, fmt.Errorf("find %q: no such contender: choose among %s", name, strings.Join(Names, ", "))
	}
	if name != "steelyard" {
		path, err := packaged(ctx, name)
		if err != nil {
			return Kind{}, err
		}
		kind.Path = path
	}
	out, err := exec.CommandContext(ctx, kind.Path, version).CombinedOutput()
	if err != nil {
		return Kind{}, fmt.Errorf("ask %s for its version: %w: %s", kind.Path, err, out)
	}
	kind.Version, _, _ = strings.Cut(strings.TrimSpace(string(out)), "\n")
	return kind, nil
}

func packaged(ctx context.Context, name string) (string, error) {
	if path, ok := lookUp(name); ok {
		return path, nil
	}
	remedy := "install it with: apt-get install " + name
	apt, err := exec.LookPath("apt-get")
	if err != nil || os.Geteuid() != 0 {
		return "", fmt.Errorf("find %s: not in PATH or /usr/sbin: %s", name, remedy)
	}
	fmt.Fprintf(os.Stderr, "installing %s from Debian's packages\n", name)
	for _, args := range [][]string{{"update", "-q"}, {"install", "-qy", "--no-install-recommends", name}} {
		cmd := exec.CommandContext(ctx, apt, args...)
		cmd.Env = append(slices.Clone(os.Environ()), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("install %s: apt-get %s: %w\n%s", name, args[0], err, out)
		}
	}
	if path, ok := lookUp(name); ok {
		return path, nil
	}
	return "", fmt.Errorf("find %s: its package has put it neither into PATH nor /usr/sbin", name)
}

func lookUp(name string) (string, bool) {
	if path, err := exec.LookPath(name); err == nil {
		return path, true
	}
	path := filepath.Join("/usr/sbin", name)
	_, err := os.Stat(path)
	return path, err == nil
}
