// Files that the configuration names, and reading the configuration itself.

package configs

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// mostFile bounds a file of certificates or keys: the system's whole set of roots has a few hundred KiB.
const mostFile = 8 * mib

// validatePair reports a certificate and key that do not work together. p is their section.
func (r *report) validatePair(p path, certFile, keyFile string) {
	cert, certGood := r.readNamed(p.key("cert_file"), certFile)
	key, keyGood := r.readNamed(p.key("key_file"), keyFile)
	if !certGood || !keyGood {
		return
	}
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		r.add(p, "give a certificate chain and the key that belongs to it, both as PEM", "cert_file and key_file do not belong together: %v", err)
	}
}

// validateRoots reports a file without certificates to trust.
func (r *report) validateRoots(p path, name string) {
	content, good := r.readNamed(p, name)
	if good && !x509.NewCertPool().AppendCertsFromPEM(content) {
		r.add(p, "give the certificates of the authorities to trust, as PEM", "holds no certificate: %s", quote(name))
	}
}

// validateWritten reports a file to write whose folder does not exist, or that is a folder, a pipe or the like. An empty
// name is fine. device allows a device, for a file that is only appended to.
func (r *report) validateWritten(p path, name string, device bool) {
	if name == "" {
		return
	}
	const remedy = "name a file in a folder that is there; relative names start at the configuration file's folder"
	folder := filepath.Dir(name)
	switch info, err := os.Stat(folder); {
	case err != nil:
		r.add(p, remedy, "the folder %s cannot be used: %v", quote(folder), fileCause(err))
	case !info.IsDir():
		r.add(p, remedy, "%s is not a folder", quote(folder))
	}
	switch info, err := os.Stat(name); {
	case err != nil || info.Mode().IsRegular() || device && info.Mode()&fs.ModeDevice != 0:
	case info.IsDir():
		r.add(p, remedy, "%s is a folder", quote(name))
	default:
		r.add(p, "give the path of one", "%s is no file", quote(name))
	}
}

// readNamed reads the PEM file that the key at p names.
func (r *report) readNamed(p path, name string) (content []byte, good bool) {
	if name == "" {
		r.missing(p, "name a PEM file")
		return nil, false
	}
	return r.readFileAt(p, name, "name a PEM file that this user may read; relative names start at the configuration file's folder")
}

// readSecret reads the file that holds a key or an address.
func (r *report) readSecret(p path, name string) (content []byte, good bool) {
	return r.readFileAt(p, name, "name a file that this user may read; relative names start at the configuration file's folder")
}

// readFileAt reads the file that the key at p names. Only regular files are opened: a pipe would block for ever.
func (r *report) readFileAt(p path, name, remedy string) (content []byte, good bool) {
	info, err := os.Stat(name)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > int64(mostFile)) {
		r.add(p, remedy, "is not a file of at most %s: %s", mostFile, quote(name))
		return nil, false
	}
	if err == nil {
		content, err = os.ReadFile(name)
	}
	if err != nil {
		r.add(p, remedy, "%s cannot be read: %v", quote(name), fileCause(err))
		return nil, false
	}
	return content, true
}

// mostText is more than any configuration has: 1,000 endpoints take 100 KiB. It bounds reading a device that never ends.
const mostText = 16 * mib

// readText reads the configuration itself, which may come through a pipe.
func readText(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(mostText)+1))
	if err == nil && len(data) > int(mostText) {
		err = fmt.Errorf("it is longer than %s", mostText)
	}
	return data, err
}
