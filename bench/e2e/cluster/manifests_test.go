//go:build cluster && linux

// The manifests in configs/packages/kubernetes, as the real API server takes them.

package cluster

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const manifests = "../../../configs/packages/kubernetes"

// plurals are the kinds there are, as paths name them; those of others' operators are not installed here.
var plurals = map[string]string{
	"ServiceAccount": "serviceaccounts", "ConfigMap": "configmaps", "Secret": "secrets", "Deployment": "deployments", "Service": "services",
	"Role": "roles", "RoleBinding": "rolebindings", "PodDisruptionBudget": "poddisruptionbudgets", "HorizontalPodAutoscaler": "horizontalpodautoscalers",
	"ServiceMonitor": "", "ScaledObject": "", "TriggerAuthentication": "",
}

// documents are those of a file of manifests.
func documents(t *testing.T, file string) (list []object) {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var o object
		err := d.Decode(&o)
		if errors.Is(err, io.EOF) {
			return list
		}
		require.NoError(t, err, file)
		list = append(list, o)
	}
}

// apply makes what a file of manifests asks for; with dry only as far as the server's own checks.
func (p *plane) apply(file string, dry bool) {
	query := "?fieldValidation=Strict"
	if dry {
		query += "&dryRun=All"
	}
	for _, o := range documents(p.t, file) {
		kind, _ := o["kind"].(string)
		plural, known := plurals[kind]
		require.True(p.t, known, "%s: a manifest of the kind %q", file, kind)
		meta, _ := o["metadata"].(object)
		require.Equal(p.t, namespace, meta["namespace"], "%s: %s", file, kind)
		if plural == "" {
			p.t.Logf("%s: the %s is not checked: its kind is not installed", filepath.Base(file), kind)
			continue
		}
		p.do(http.MethodPost, in(o["apiVersion"].(string), plural)+query, o, nil)
		if dry {
			p.t.Logf("%s: %s %v is taken", filepath.Base(file), kind, meta["name"])
		}
	}
}
