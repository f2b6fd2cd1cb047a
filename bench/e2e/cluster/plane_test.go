//go:build cluster && linux

// The control plane: etcd, the API server and the controllers, as programs.

package cluster

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/discovery/kubernetes/api"
)

const (
	namespace = "llm"
	admin     = "token-of-the-test"    // may do everything
	account   = "token-of-the-gateway" // of the service account steelyard, may do what configs/packages/kubernetes/role.yaml says
	within    = 3 * time.Minute        // for a condition to come true; no measure of speed
)

// plane is a running control plane.
type plane struct {
	t      *testing.T
	folder string
	etcd   string // its address
	port   string // of the API server
	server *exec.Cmd
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

// newPlane starts everything but the kubelet.
func newPlane(t *testing.T) *plane {
	p := &plane{t: t, folder: t.TempDir(), port: freePort(t)}
	p.write("tokens.csv", fmt.Sprintf("%s,admin,1,\"system:masters\"\n%s,system:serviceaccount:%s:steelyard,2,\"system:serviceaccounts,system:serviceaccounts:%s\"\n",
		admin, account, namespace, namespace))
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	private := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	p.write("sa.key", string(private))
	p.write("sa.pub", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})))

	client, peer := "http://127.0.0.1:"+freePort(t), "http://127.0.0.1:"+freePort(t)
	p.etcd = client
	p.run("etcd", "--data-dir="+filepath.Join(p.folder, "etcd"), "--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer, "--unsafe-no-fsync")
	p.startServer()
	p.do(http.MethodPost, "/api/v1/namespaces", object{"metadata": object{"name": namespace}}, nil)
	p.do(http.MethodPost, "/api/v1/nodes", object{"metadata": object{"name": "node-1"}}, nil)
	kubeconfig := p.kubeconfig("admin.conf", admin)
	p.run("kube-controller-manager", "--kubeconfig="+kubeconfig, "--leader-elect=false",
		"--controllers=deployment-controller,replicaset-controller,statefulset-controller,endpointslice-controller,horizontal-pod-autoscaler-controller,garbage-collector-controller",
		"--bind-address=127.0.0.1", "--secure-port="+freePort(t), "--cert-dir="+filepath.Join(p.folder, "manager"), "--authentication-skip-lookup=true",
		"--kube-api-qps=500", "--kube-api-burst=1000")
	return p
}

// startServer starts the API server, and waits until it is ready.
func (p *plane) startServer() {
	p.server = p.run("kube-apiserver", "--etcd-servers="+p.etcd, "--bind-address=127.0.0.1", "--secure-port="+p.port, "--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/16", "--cert-dir="+filepath.Join(p.folder, "api"),
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-signing-key-file="+filepath.Join(p.folder, "sa.key"),
		"--service-account-key-file="+filepath.Join(p.folder, "sa.pub"), "--token-auth-file="+filepath.Join(p.folder, "tokens.csv"),
		"--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount", "--max-requests-inflight=2000", "--max-mutating-requests-inflight=1000")
	p.eventually("the API server is ready", func() bool {
		_, code, err := p.ask(http.MethodGet, "/readyz", admin, nil)
		return err == nil && code == http.StatusOK
	})
}

// run starts a program until the test ends.
func (p *plane) run(name string, args ...string) *exec.Cmd {
	out, err := os.OpenFile(filepath.Join(p.folder, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	require.NoError(p.t, err)
	cmd := exec.Command(filepath.Join(cache, name), args...)
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(p.t, cmd.Start())
	p.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if p.t.Failed() {
			p.t.Logf("%s said at the end:\n%s", name, tail(out.Name()))
		}
		_ = out.Close()
	})
	return cmd
}

func tail(file string) string {
	text, _ := os.ReadFile(file)
	return string(text[max(0, len(text)-6000):])
}

func (p *plane) write(name, text string) string {
	file := filepath.Join(p.folder, name)
	require.NoError(p.t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// kubeconfig writes one with a token.
func (p *plane) kubeconfig(name, token string) string {
	return p.write(name, fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: c,
  clusters: [{name: c, cluster: {server: "https://127.0.0.1:%s", certificate-authority: api/apiserver.crt}}],
  contexts: [{name: c, context: {cluster: c, user: u, namespace: %s}}],
  users: [{name: u, user: {token: %s}}]}`, p.port, namespace, token))
}

// client is one of ours.
func (p *plane) client(token string) *api.Client {
	access, err := api.Find(p.kubeconfig("client-"+token, token), "")
	require.NoError(p.t, err)
	client, err := api.New(access)
	require.NoError(p.t, err)
	return client
}

type object = map[string]any

// ask sends one request as somebody.
func (p *plane) ask(method, path, token string, body any) (answer []byte, code int, err error) {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, 0, err
		}
		sent = bytes.NewReader(text)
	}
	r, err := http.NewRequest(method, "https://127.0.0.1:"+p.port+path, sent)
	if err != nil {
		return nil, 0, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		r.Header.Set("Content-Type", "application/merge-patch+json")
	}
	got, err := insecure.Do(r)
	if err != nil {
		return nil, 0, err
	}
	defer got.Body.Close()
	answer, err = io.ReadAll(got.Body)
	return answer, got.StatusCode, err
}

// do is ask as the test, and must succeed.
func (p *plane) do(method, path string, body, into any) {
	p.t.Helper()
	answer, code, err := p.ask(method, path, admin, body)
	require.NoError(p.t, err, "%s %s", method, path)
	require.Less(p.t, code, 300, "%s %s: %s", method, path, answer)
	if into != nil {
		require.NoError(p.t, json.Unmarshal(answer, into))
	}
}

// eventually waits for a condition.
func (p *plane) eventually(what string, is func() bool) {
	p.t.Helper()
	began := time.Now()
	for !is() {
		if time.Since(began) > within {
			require.Fail(p.t, what+": not within "+within.String())
		}
		pause(100 * time.Millisecond)
	}
}

// pause is between two looks, and how long an engine works.
func pause(d time.Duration) { <-time.After(d) }

// in is a path in the namespace: in("apps/v1", "deployments", "vllm", "scale").
func in(group string, parts ...string) string {
	root := "/apis/"
	if !strings.Contains(group, "/") {
		root = "/api/"
	}
	return root + group + "/namespaces/" + namespace + "/" + strings.Join(parts, "/")
}
