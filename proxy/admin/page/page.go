// Serving the page and its files.

package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Policy is what a browser may do for the page: nothing but run our files and talk to us.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types lit-html"

//go:embed src npm
var embedded embed.FS

// kinds are the content types of the files that are served; others are not.
var kinds = map[string]string{
	".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".html": "text/html; charset=utf-8",
	"": "text/plain; charset=utf-8", ".json": "application/json",
}

// file is one file, ready to be sent.
type file struct {
	kind          string
	plain, zipped []byte
}

// Page is the page with all its files. It never changes.
type Page struct {
	files map[string]file // by name below the folder of assets
	index file
	hash  string
}

// New is the page. There is one for the whole process.
func New() *Page { return made() }

var made = sync.OnceValue(load)

// load reads and compresses the files.
func load() *Page {
	p := &Page{files: map[string]file{}}
	var names []string
	must(fs.WalkDir(embedded, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, name)
		}
		return err
	}))
	slices.Sort(names)
	sum := sha256.New()
	for _, name := range names {
		content, err := embedded.ReadFile(name)
		must(err)
		fmt.Fprintf(sum, "%s %d\n%s", name, len(content), content)
		p.files[strings.TrimPrefix(name, "src/")] = newFile(name, content)
	}
	p.hash = hex.EncodeToString(sum.Sum(nil)[:8])
	index := bytes.ReplaceAll(p.files["index.html"].plain, []byte("assets/HASH/"), []byte("assets/"+p.hash+"/"))
	p.index = newFile("index.html", index)
	delete(p.files, "index.html")
	return p
}

func must(err error) {
	if err != nil {
		panic("BUG: the embedded page cannot be read: " + err.Error())
	}
}

func newFile(name string, content []byte) file {
	var zipped bytes.Buffer
	z, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	must(err)
	_, err = z.Write(content)
	must(err)
	must(z.Close())
	return file{kinds[path.Ext(name)], content, zipped.Bytes()}
}

// Hash differs from one version of the page to the next.
func (p *Page) Hash() string { return p.hash }

// ServeHTTP answers with the page itself, which no browser may keep.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	send(w, r, p.index)
}

// Asset answers with a file of the page. It reports whether there is one.
func (p *Page) Asset(w http.ResponseWriter, r *http.Request, hash, name string) bool {
	f, known := p.files[name]
	if !known || hash != p.hash {
		return false
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	send(w, r, f)
	return true
}

func send(w http.ResponseWriter, r *http.Request, f file) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Content-Security-Policy", Policy)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Vary", "Accept-Encoding")
	body := f.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = f.zipped
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a browser that has gone is no error of ours
	}
}
