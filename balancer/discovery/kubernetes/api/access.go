// Where an API server is, and how to get in.

package api

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Access is where an API server is and how to get in. Of a value and its file the file counts.
type Access struct {
	Server     string // https://host:port, perhaps with a path
	Namespace  string // where nothing else is said; "": default
	Proxy      string // the URL of a proxy; "": as the environment says
	ServerName string // in the server's certificate; "": its host
	Insecure   bool   // the certificate is not verified

	CA, Cert, Key             []byte // PEM
	CAFile, CertFile, KeyFile string
	Token, TokenFile          string
	User, Password            string

	Dial dialer // for tests; nil: the network
}

// String has no secret in it.
func (a Access) String() string { return a.Server }

// GoString has none either.
func (a Access) GoString() string { return a.Server }

// accountFolder is where a pod has the files of its service account.
const accountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

// Find is the access that a kubeconfig gives, or without one the service account of the pod that we run in. The name
// is that of the context to use of the kubeconfig; "": its current one.
func Find(kubeconfig, name string) (Access, error) {
	if kubeconfig != "" {
		return readKubeconfig(kubeconfig, name)
	}
	return inCluster(os.Getenv, accountFolder)
}

func inCluster(env func(string) string, folder string) (Access, error) {
	host, port := env("KUBERNETES_SERVICE_HOST"), env("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return Access{}, errors.New("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set, so this is no pod: " +
			"give kubeconfig, the file with the cluster's address and a user")
	}
	a := Access{Server: "https://" + net.JoinHostPort(host, port), TokenFile: filepath.Join(folder, "token"), CAFile: filepath.Join(folder, "ca.crt")}
	if _, err := os.Stat(a.TokenFile); err != nil {
		return Access{}, fmt.Errorf("the pod has no service account token: %w: set automountServiceAccountToken in the pod, or give kubeconfig", err)
	}
	if namespace, err := os.ReadFile(filepath.Join(folder, "namespace")); err == nil {
		a.Namespace = strings.TrimSpace(string(namespace))
	}
	return a, nil
}

// check says what cannot be used.
func (a *Access) check() (*url.URL, error) {
	server, err := url.Parse(a.Server)
	switch {
	case err != nil || server.Host == "" || server.Scheme != "https" && server.Scheme != "http":
		return nil, fmt.Errorf("the API server's address must be https://host:port, is %q", clean(a.Server))
	case server.User != nil || server.RawQuery != "" || server.Fragment != "":
		return nil, errors.New("the API server's address must be https://host:port, without a user, a query or a fragment")
	}
	if a.Proxy != "" {
		if p, err := url.Parse(a.Proxy); err != nil || p.Host == "" {
			return nil, errors.New("proxy-url is no URL")
		}
	}
	return server, nil
}
