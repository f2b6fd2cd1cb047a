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

// Find locates nginx or haproxy in PATH or /usr/sbin and asks for its version. An ErrMissing tells how to install it.
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
	default:
		panic("BUG: find peer " + name)
	}
	var err error
	if p.Path, err = lookUp(name); err != nil {
		return Program{}, err
	}
	return p.withVersion(ctx, "-v")
}

// Ours is steelyard: the program at path, with arguments before its command (none, but for tests).
func Ours(ctx context.Context, path string) (Program, error) {
	p := Program{Name: Steelyard, Path: path, fileName: "steelyard.yaml", config: steelyardTemplate}
	p.args = func(config string) []string { return []string{"serve", "--config", config} }
	return p.withVersion(ctx, "version")
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
