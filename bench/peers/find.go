// Finding, installing and building the programs.

package peers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
)

// The names of the programs.
const (
	Nginx     = "nginx"
	HAProxy   = "haproxy"
	Steelyard = "steelyard"
	Redis     = "redis-server" // no contender: gateways hear of each other by it
)

// Installable are the peers that a system may have.
var Installable = []string{Nginx, HAProxy}

// ErrMissing says that a program is not installed.
var ErrMissing = errors.New("not installed")

// Program is a proxy that is ready to be started.
type Program struct {
	Name    string
	Path    string
	Version string // as it states it, one line

	config   *template.Template
	fileName string
	args     func(config string) []string
}

// Find locates nginx, haproxy or redis-server in PATH or /usr/sbin and asks for its version. An ErrMissing tells how to install it.
func Find(ctx context.Context, name string) (Program, error) {
	p := Program{Name: name, fileName: name + ".conf"}
	switch name {
	case Nginx:
		p.config = nginxTemplate
		p.args = func(config string) []string {
			return []string{"-p", filepath.Dir(config), "-e", "stderr", "-c", config}
		}
	case HAProxy:
		p.config = haproxyTemplate
		p.args = func(config string) []string { return []string{"-db", "-f", config} }
	case Redis:
		p.config = redisTemplate
		p.args = func(config string) []string { return []string{config} }
	default:
		panic("BUG: find peer " + name)
	}
	var err error
	if p.Path, err = lookUp(name); err != nil {
		return Program{}, err
	}
	return p.withVersion(ctx, "-v")
}

// FindOrInstall is Find where root has a missing program installed from Debian's packages.
func FindOrInstall(ctx context.Context, name string) (Program, error) {
	program, missing := Find(ctx, name)
	if !errors.Is(missing, ErrMissing) {
		return program, missing
	}
	apt, err := exec.LookPath("apt-get")
	if err != nil || os.Geteuid() != 0 {
		return Program{}, missing
	}
	fmt.Fprintf(os.Stderr, "installing %s from Debian's packages\n", name)
	for _, args := range [][]string{{"update", "-q"}, {"install", "-qy", "--no-install-recommends", name}} {
		cmd := exec.CommandContext(ctx, apt, args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return Program{}, fmt.Errorf("install %s: apt-get %s: %w\n%s", name, args[0], err, out)
		}
	}
	if program, missing = Find(ctx, name); missing != nil {
		missing = fmt.Errorf("after the installation: %w", missing)
	}
	return program, missing
}

// Ours is steelyard: the program at path.
func Ours(ctx context.Context, path string) (Program, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Program{}, fmt.Errorf("find steelyard: %w", err)
	}
	p := Program{Name: Steelyard, Path: path, fileName: "steelyard.yaml", config: steelyardTemplate}
	p.args = func(config string) []string { return []string{"serve", "--config", config} }
	return p.withVersion(ctx, "version")
}

// Self is this very program where other arguments make it another one: those that args makes of its configuration.
func Self(name, version string, args func(config string) []string, config *template.Template) (Program, error) {
	path, err := os.Executable()
	if err != nil {
		return Program{}, fmt.Errorf("find %s: %w", name, err)
	}
	return Program{Name: name, Path: path, Version: version, config: config, fileName: name + ".conf", args: args}, nil
}

// OursOrBuilt is Ours; where no path is given it is compiled into the folder, from the tree that this program is run in.
func OursOrBuilt(ctx context.Context, path, folder string) (Program, error) {
	if path != "" {
		return Ours(ctx, path)
	}
	path = filepath.Join(folder, "steelyard")
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/steelyard-proxy/steelyard/cmd/steelyard")
	if out, err := build.CombinedOutput(); err != nil {
		return Program{}, fmt.Errorf("build steelyard: %w\n%s", err, out)
	}
	return Ours(ctx, path)
}

func (p Program) withVersion(ctx context.Context, flag string) (Program, error) {
	out, err := exec.CommandContext(ctx, p.Path, flag).CombinedOutput()
	if err != nil {
		return Program{}, fmt.Errorf("ask %s for its version: %w: %s", p.Path, err, out)
	}
	p.Version, _, _ = strings.Cut(strings.TrimSpace(string(out)), "\n")
	return p, nil
}

// lookUp looks where Debian puts servers as well, which is not in everybody's PATH.
func lookUp(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	path := filepath.Join("/usr/sbin", name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("find %s: %w: apt-get install %s", name, ErrMissing, name)
	}
	return path, nil
}

// Config is the text that Start would run the program with.
func (p Program) Config(plan Plan) (string, error) { return plan.render(p.config, os.Geteuid() == 0) }
