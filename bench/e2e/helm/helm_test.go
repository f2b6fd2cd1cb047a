package helm

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	chart = "../../../configs/packages/helm"
	// Built without flags of its release Helm takes the cluster for an old one.
	kube = "--kube-version=1.35.0"
)

// programs builds Helm and steelyard.
func programs(t *testing.T) (helm, steelyard string) {
	t.Helper()
	folder := t.TempDir()
	helm, steelyard = filepath.Join(folder, "helm"), filepath.Join(folder, "steelyard")
	run(t, ".", "go", "build", "-o", helm, "helm.sh/helm/v3/cmd/helm")
	run(t, "../../..", "go", "build", "-pgo=off", "-o", steelyard, "./cmd/steelyard")
	return helm, steelyard
}

func run(t *testing.T, folder, program string, args ...string) string {
	t.Helper()
	c := exec.Command(program, args...)
	c.Dir = folder
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestChart(t *testing.T) {
	helm, steelyard := programs(t)
	token := []string{"--set", "adminToken.value=0123456789abcdef0123456789abcdef"}
	run(t, ".", helm, append([]string{"lint", "--strict", chart}, token...)...)
	render := func(more ...string) string {
		return run(t, ".", helm, append(append([]string{"template", "gw", chart, kube, "--namespace", "llm"}, token...), more...)...)
	}
	plain := render()
	for _, want := range []string{
		"kind: Deployment", "kind: Service\n", "kind: ConfigMap", "kind: Secret", "kind: ServiceAccount", "kind: Role\n", "kind: RoleBinding", "kind: PodDisruptionBudget",
		"readOnlyRootFilesystem: true", "runAsNonRoot: true", "endpointslices", "gw-steelyard.llm.svc",
	} {
		if !strings.Contains(plain, want) {
			t.Errorf("the chart has no %q:\n%s", want, plain)
		}
	}
	for _, not := range []string{"HorizontalPodAutoscaler", "ScaledObject", "ServiceMonitor", "deployments/scale"} {
		if strings.Contains(plain, "kind: "+not) || not == "deployments/scale" && strings.Contains(plain, not) {
			t.Errorf("the chart has %q, which nobody has asked for", not)
		}
	}
	all := render("--set", "autoscaling.enabled=true", "--set", "keda.enabled=true", "--set", "serviceMonitor.enabled=true", "--set", "rbac.scale={vllm}",
		"--set", "config.scaler.address=:9091")
	for _, want := range []string{"kind: HorizontalPodAutoscaler", "kind: ScaledObject", "kind: ServiceMonitor", "deployments/scale", "name: keda, port: 9091",
		`url: "http://gw-steelyard.llm.svc:9090/api/v1/autoscale/chat"`} {
		if !strings.Contains(all, want) {
			t.Errorf("the chart has no %q:\n%s", want, all)
		}
	}
	check(t, steelyard, plain)
	check(t, steelyard, all)
	for want, args := range map[string][]string{
		"adminToken.value":   {"template", "gw", chart, kube},
		"replicaz":           append([]string{"template", "gw", chart, kube, "--set", "replicaz=2"}, token...),
		"keda.enabled needs": {"template", "gw", chart, kube, "--set", "keda.enabled=true,config.admin.address=127.0.0.1:9090"},
	} {
		if out, err := exec.Command(helm, args...).CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("helm %v: %v, without %q:\n%s", args, err, want, out)
		}
	}
}

// check has the program check the configuration of a rendered chart.
func check(t *testing.T, steelyard, text string) {
	t.Helper()
	_, config, found := strings.Cut(text, "  gateway.yaml: |\n")
	if !found {
		t.Fatal("the chart has no configuration")
	}
	config, _, _ = strings.Cut(config, "\n---")
	folder := t.TempDir()
	token := filepath.Join(folder, "token")
	if err := os.WriteFile(token, []byte("0123456789abcdef0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(config) {
		lines = append(lines, strings.TrimPrefix(line, "    "))
	}
	// In no cluster nobody says where the API server is.
	replaced := strings.NewReplacer("/run/secrets/steelyard/token", token).Replace(strings.Join(lines, ""))
	file := filepath.Join(folder, "gateway.yaml")
	if err := os.WriteFile(file, []byte(replaced), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := run(t, folder, steelyard, "check", file); !strings.Contains(out, "kubernetes") {
		t.Errorf("the configuration is checked as:\n%s", out)
	}
}
