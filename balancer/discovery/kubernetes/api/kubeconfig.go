// Reading a kubeconfig.

package api

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

const mostKubeconfig = 4 << 20 // bytes

// kubeconfig is what is read of one; what else it has does not matter here.
type kubeconfig struct {
	Current  string `yaml:"current-context"`
	Contexts []struct {
		Name    string  `yaml:"name"`
		Context setting `yaml:"context"`
	} `yaml:"contexts"`
	Clusters []struct {
		Name    string  `yaml:"name"`
		Cluster cluster `yaml:"cluster"`
	} `yaml:"clusters"`
	Users []struct {
		Name string `yaml:"name"`
		User user   `yaml:"user"`
	} `yaml:"users"`
}

type setting struct {
	Cluster   string `yaml:"cluster"`
	User      string `yaml:"user"`
	Namespace string `yaml:"namespace"`
}

type cluster struct {
	Server     string `yaml:"server"`
	CAData     string `yaml:"certificate-authority-data"`
	CAFile     string `yaml:"certificate-authority"`
	ServerName string `yaml:"tls-server-name"`
	Insecure   bool   `yaml:"insecure-skip-tls-verify"`
	Proxy      string `yaml:"proxy-url"`
}

type user struct {
	Token     string `yaml:"token"`
	TokenFile string `yaml:"tokenFile"`
	CertData  string `yaml:"client-certificate-data"`
	CertFile  string `yaml:"client-certificate"`
	KeyData   string `yaml:"client-key-data"`
	KeyFile   string `yaml:"client-key"`
	Name      string `yaml:"username"`
	Password  string `yaml:"password"`
	As        string `yaml:"as"`
	Exec      any    `yaml:"exec"`
	Provider  any    `yaml:"auth-provider"`
}

// readKubeconfig is the access that a context of the file gives. Errors repeat no secret.
func readKubeconfig(file, name string) (Access, error) {
	content, err := readBounded(file, mostKubeconfig)
	if err != nil {
		return Access{}, fmt.Errorf("kubeconfig: %w", err)
	}
	a, err := parseKubeconfig(content, name, filepath.Dir(file))
	if err != nil {
		return Access{}, fmt.Errorf("kubeconfig %s: %w", file, err)
	}
	return a, nil
}

func parseKubeconfig(content []byte, name, folder string) (Access, error) {
	var k kubeconfig
	if err := yaml.Unmarshal(content, &k); err != nil {
		return Access{}, errors.New("it is no YAML as a kubeconfig has it") // the reason could repeat a token
	}
	if name == "" {
		name = k.Current
	}
	if name == "" {
		return Access{}, errors.New("it has no current-context: give context, the name of one")
	}
	chosen, found := k.context(name)
	if !found {
		return Access{}, fmt.Errorf("it has no context %q: give the name of one that it has", name)
	}
	where, found := k.cluster(chosen.Cluster)
	if !found {
		return Access{}, fmt.Errorf("the context %q is of the cluster %q, which is not in it", name, chosen.Cluster)
	}
	who, found := k.user(chosen.User)
	if !found {
		return Access{}, fmt.Errorf("the context %q is of the user %q, who is not in it", name, chosen.User)
	}
	return combine(where, who, chosen.User, chosen.Namespace, folder)
}

func (k *kubeconfig) context(name string) (setting, bool) {
	for _, item := range k.Contexts {
		if item.Name == name {
			return item.Context, true
		}
	}
	return setting{}, false
}

func (k *kubeconfig) cluster(name string) (cluster, bool) {
	for _, item := range k.Clusters {
		if item.Name == name {
			return item.Cluster, true
		}
	}
	return cluster{}, false
}

// user is who asks; nobody, where the context names no user.
func (k *kubeconfig) user(name string) (user, bool) {
	for _, item := range k.Users {
		if item.Name == name {
			return item.User, true
		}
	}
	return user{}, name == ""
}

// combine is the access of a user to a cluster. File names start at the kubeconfig's folder.
func combine(c cluster, u user, name, namespace, folder string) (Access, error) {
	switch {
	case u.Exec != nil:
		return Access{}, fmt.Errorf("the user %q gets a token from a program (exec), which is not run here: "+
			"make a service account and give its token (kubectl create token), or a client certificate", name)
	case u.Provider != nil:
		return Access{}, fmt.Errorf("the user %q has an auth-provider, which Kubernetes itself has given up: give a token or a client certificate", name)
	case u.As != "":
		return Access{}, fmt.Errorf("the user %q acts as another one (as), which is not done here: give that one's own token", name)
	}
	file := func(name string) string {
		if name == "" || filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(folder, name)
	}
	a := Access{
		Server: c.Server, Namespace: namespace, Proxy: c.Proxy, ServerName: c.ServerName, Insecure: c.Insecure,
		Token: u.Token, TokenFile: file(u.TokenFile), User: u.Name, Password: u.Password,
	}
	for _, pem := range []struct {
		key, data, file string
		content         *[]byte
		name            *string
	}{
		{"certificate-authority-data", c.CAData, c.CAFile, &a.CA, &a.CAFile},
		{"client-certificate-data", u.CertData, u.CertFile, &a.Cert, &a.CertFile},
		{"client-key-data", u.KeyData, u.KeyFile, &a.Key, &a.KeyFile},
	} {
		if pem.data == "" { // as elsewhere, data wins over a file
			*pem.name = file(pem.file)
			continue
		}
		content, err := base64.StdEncoding.DecodeString(strings.TrimSpace(pem.data))
		if err != nil {
			return Access{}, fmt.Errorf("%s is no base64", pem.key)
		}
		*pem.content = content
	}
	return a, nil
}

// readBounded reads a file that is not longer than that.
func readBounded(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a folder", name)
	}
	content, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(content)) > most {
		err = fmt.Errorf("%s is longer than %d bytes", name, most)
	}
	return content, err
}
