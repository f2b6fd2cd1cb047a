//go:build cluster && linux

// Where the tests run, and what they run: a namespace of their own, the programs of the control plane, the gateway.

package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

const (
	inside  = "STEELYARD_CLUSTER_INSIDE" // set in the namespace
	version = "v1.37.2"
	podNet  = "10.200.0.0/16"
)

var (
	cache   string // where the programs of the control plane are
	gateway string // the program under test
)

func TestMain(m *testing.M) {
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "bench/e2e/cluster:", err)
		os.Exit(1)
	}
	if os.Getenv(inside) == "" {
		os.Exit(again())
	}
	os.Exit(m.Run())
}

// again runs this program once more, in a network namespace in which the addresses of pods are this machine.
func again() int {
	runtime.LockOSThread() // Pdeathsig means the thread
	const script = `ip link set lo up && ip route add local ` + podNet + ` dev lo && exec "$0" "$@"`
	cmd := exec.Command("sh", append([]string{"-c", script}, os.Args...)...)
	cmd.Env = append(os.Environ(), inside+"=1", "STEELYARD_CLUSTER="+cache)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	// It is the first process of its namespace: with it all that it has started ends, however it ends.
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	err := cmd.Run()
	if cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, "bench/e2e/cluster: a network namespace could not be made (are we root?):", err)
		return 1
	}
	return cmd.ProcessState.ExitCode()
}

// prepare builds what is missing.
func prepare() error {
	if cache = os.Getenv("STEELYARD_CLUSTER"); cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return err
		}
		cache = filepath.Join(user, "steelyard", "kubernetes-"+version)
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	for name, path := range map[string]string{
		"etcd":                    "go.etcd.io/etcd/server/v3",
		"kube-apiserver":          "k8s.io/kubernetes/cmd/kube-apiserver",
		"kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
	} {
		to := filepath.Join(cache, name)
		if _, err := os.Stat(to); err == nil {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench/e2e/cluster: %s is built into %s; this takes long\n", name, cache)
		const at = "k8s.io/component-base/version.git"
		flags := "-s -w -X " + at + "Version=" + version + " -X " + at + "Major=1 -X " + at + "Minor=37"
		if err := build("controlplane", "-ldflags", flags, "-o", to, path); err != nil {
			return fmt.Errorf("build %s: %w", name, err)
		}
	}
	gateway = filepath.Join(cache, "steelyard")
	if os.Getenv(inside) != "" {
		return nil
	}
	return build("../../..", "-o", gateway, "./cmd/steelyard")
}

func build(folder string, args ...string) error {
	cmd := exec.Command("go", append([]string{"build", "-trimpath"}, args...)...)
	cmd.Dir, cmd.Env = folder, append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
}
