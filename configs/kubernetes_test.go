package configs

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestParseTarget(t *testing.T) {
	for text, want := range map[string]Target{
		"deployment/chat":                    {"apps", "v1", "deployments", "chat"},
		"statefulset/chat":                   {"apps", "v1", "statefulsets", "chat"},
		"leaderworkerset/chat.1":             {"leaderworkerset.x-k8s.io", "v1", "leaderworkersets", "chat.1"},
		"rollouts.v1alpha1.argoproj.io/chat": {"argoproj.io", "v1alpha1", "rollouts", "chat"},
	} {
		is, ok := ParseTarget(text)
		require.True(t, ok, text)
		require.Equal(t, want, is)
	}
	for _, text := range []string{"", "chat", "deployment", "deployment/", "/chat", "deployments/chat", "Deployment/chat", "deployment/Chat", "deployment/a/b",
		"deployment/../x", "rollouts.v1/chat", "rollouts..argoproj.io/chat", "deployment/-", "deployment/" + strings.Repeat("a", 254)} {
		_, ok := ParseTarget(text)
		require.False(t, ok, text)
	}
}

// The example for a cluster holds a configuration, which must be one.
func TestExampleKubernetes(t *testing.T) {
	content, err := os.ReadFile("packages/kubernetes/gateway.yaml")
	require.NoError(t, err)
	found := 0
	for text := range strings.SplitSeq(string(content), "\n---\n") {
		var object struct {
			Kind string            `yaml:"kind"`
			Data map[string]string `yaml:"data"`
		}
		require.NoError(t, yaml.Unmarshal([]byte(text), &object))
		require.NotEmpty(t, object.Kind)
		if object.Kind != "ConfigMap" {
			continue
		}
		found++
		token := t.TempDir() + "/token"
		require.NoError(t, os.WriteFile(token, []byte(strings.Repeat("x", 32)), 0o600))
		cfg, err := Parse("gateway.yaml", []byte(strings.ReplaceAll(object.Data["gateway.yaml"], "/run/secrets/steelyard/token", token)), nil)
		require.NoError(t, err)
		require.Equal(t, "vllm", cfg.Upstreams[0].Discovery.Service)
	}
	require.Equal(t, 1, found)
}
