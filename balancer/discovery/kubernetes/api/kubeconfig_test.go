package api

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const sample = `
apiVersion: v1
kind: Config
current-context: here
preferences: {}
clusters:
- name: c1
  cluster: {server: "https://10.0.0.1:6443", certificate-authority: ca.pem, tls-server-name: kube}
- name: c2
  cluster: {server: "https://[fd00::1]:6443", certificate-authority-data: ` + "Y2VydA==" + `}
contexts:
- name: here
  context: {cluster: c1, user: u1, namespace: llm}
- name: other
  context: {cluster: c2, user: u2}
- name: exec
  context: {cluster: c1, user: aws}
- name: provider
  context: {cluster: c1, user: gcp}
- name: as
  context: {cluster: c1, user: admin}
- name: nowhere
  context: {cluster: c9, user: u1}
- name: nobody
  context: {cluster: c1, user: u9}
- name: anonymous
  context: {cluster: c1}
- name: broken
  context: {cluster: c1, user: u3}
users:
- name: u1
  user: {tokenFile: token}
- name: u2
  user: {client-certificate-data: YQ==, client-key-data: Yg==}
- name: u3
  user: {client-certificate-data: "***"}
- name: aws
  user: {exec: {command: aws}}
- name: gcp
  user: {auth-provider: {name: gcp}}
- name: admin
  user: {token: t, as: root}
`

func TestKubeconfigGivesAnAccess(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "config")
	require.NoError(t, os.WriteFile(file, []byte(sample), 0o600))

	a, err := Find(file, "")
	require.NoError(t, err)
	assert.Equal(t, "https://10.0.0.1:6443", a.Server)
	assert.Equal(t, "llm", a.Namespace)
	assert.Equal(t, "kube", a.ServerName)
	assert.Equal(t, filepath.Join(folder, "ca.pem"), a.CAFile, "file names start at the kubeconfig's folder")
	assert.Equal(t, filepath.Join(folder, "token"), a.TokenFile)

	a, err = Find(file, "other")
	require.NoError(t, err)
	assert.Equal(t, []byte("cert"), a.CA)
	assert.Equal(t, []byte("a"), a.Cert)
	assert.Equal(t, []byte("b"), a.Key)

	_, err = Find(file, "anonymous")
	require.NoError(t, err)

	for context, says := range map[string]string{
		"exec":     `the user "aws" gets a token from a program (exec), which is not run here`,
		"provider": `has an auth-provider`,
		"as":       `acts as another one (as)`,
		"nowhere":  `is of the cluster "c9", which is not in it`,
		"nobody":   `is of the user "u9", who is not in it`,
		"missing":  `it has no context "missing"`,
		"broken":   `client-certificate-data is no base64`,
	} {
		_, err := Find(file, context)
		require.ErrorContains(t, err, says, context)
		assert.ErrorContains(t, err, file)
	}
}

func TestKubeconfigThatCannotBeRead(t *testing.T) {
	folder := t.TempDir()
	_, err := Find(filepath.Join(folder, "none"), "")
	require.ErrorContains(t, err, "no such file")
	_, err = Find(folder, "")
	require.ErrorContains(t, err, "is a folder")
	file := filepath.Join(folder, "secret")
	require.NoError(t, os.WriteFile(file, []byte("users: secret-token-1\n"), 0o600))
	_, err = Find(file, "")
	require.ErrorContains(t, err, "no YAML as a kubeconfig has it")
	assert.NotContains(t, err.Error(), "secret-token-1")
	require.NoError(t, os.WriteFile(file, []byte("{}"), 0o600))
	_, err = Find(file, "")
	require.ErrorContains(t, err, "no current-context")
}

func TestInsideACluster(t *testing.T) {
	folder := t.TempDir()
	env := map[string]string{"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
	_, err := inCluster(func(string) string { return "" }, folder)
	require.ErrorContains(t, err, "this is no pod: give kubeconfig")
	_, err = inCluster(func(k string) string { return env[k] }, folder)
	require.ErrorContains(t, err, "automountServiceAccountToken")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "token"), []byte("t"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "namespace"), []byte("llm\n"), 0o600))
	a, err := inCluster(func(k string) string { return env[k] }, folder)
	require.NoError(t, err)
	assert.Equal(t, "https://[fd00::1]:443", a.Server)
	assert.Equal(t, "llm", a.Namespace)
	assert.Equal(t, filepath.Join(folder, "ca.crt"), a.CAFile)
}

func TestAccessThatCannotBeUsed(t *testing.T) {
	for says, a := range map[string]Access{
		"must be https://host:port":             {Server: "10.0.0.1:6443"},
		"without a user":                        {Server: "https://a:b@10.0.0.1"},
		"proxy-url is no URL":                   {Server: "https://10.0.0.1", Proxy: "::"},
		"holds no certificate":                  {Server: "https://10.0.0.1", CA: []byte("x")},
		"do not belong together":                {Server: "https://10.0.0.1", Cert: []byte("x"), Key: []byte("y")},
		"no such file":                          {Server: "https://10.0.0.1", TokenFile: "/nowhere/token"},
		"the token has spaces or several lines": {Server: "https://10.0.0.1", Token: "a\nb"},
	} {
		_, err := New(a)
		require.ErrorContains(t, err, says)
	}
	a := Access{Server: "https://10.0.0.1", Token: "sesame", Password: "sesame", Key: []byte("sesame")}
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.NotContains(t, fmt.Sprintf(form, a), "sesame")
	}
}
