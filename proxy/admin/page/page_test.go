package page

import (
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"io"
	"io/fs"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ownBytes is how much of our own the page may be, by kind: it must stay readable without a build step.
var ownBytes = map[string]int{".js": 44 << 10, ".css": 14 << 10, ".html": 2 << 10, ".svg": 1 << 10}

// TestFilesOfOthersAreAsTheyCame: each file is what the package of npm has, byte for byte, and has its licence
// beside it. bench/e2e holds packages.json to npm.
func TestFilesOfOthersAreAsTheyCame(t *testing.T) {
	text, err := embedded.ReadFile("npm/packages.json")
	require.NoError(t, err)
	var recorded struct {
		Packages []struct {
			Name, Version, Integrity string
			Files                    []struct{ File, Integrity string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &recorded))
	known := map[string]bool{"npm/packages.json": true}
	for _, p := range recorded.Packages {
		licence := false
		for _, f := range p.Files {
			name := "npm/" + p.Name + "/" + f.File
			content, err := embedded.ReadFile(name)
			require.NoError(t, err)
			sum := sha512.Sum512(content)
			assert.Equal(t, f.Integrity, "sha512-"+base64.StdEncoding.EncodeToString(sum[:]), name)
			known[name] = true
			licence = licence || f.File == "LICENSE"
		}
		assert.True(t, licence, p.Name)
	}
	require.NoError(t, fs.WalkDir(embedded, "npm", func(name string, entry fs.DirEntry, err error) error {
		assert.True(t, entry.IsDir() || known[name], "%s is not recorded", name)
		return err
	}))
}

// TestOwnFiles are small, and ask no other host for anything.
func TestOwnFiles(t *testing.T) {
	own, addresses := map[string]int{}, regexp.MustCompile(`(?i)https?://[^\s"'<>)]+|[("'=]//[a-z]`)
	require.NoError(t, fs.WalkDir(embedded, "src", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := embedded.ReadFile(name)
		require.NoError(t, err)
		own[path.Ext(name)] += len(content)
		for _, address := range addresses.FindAllString(string(content), -1) {
			assert.Equal(t, "http://www.w3.org/2000/svg", address, name)
		}
		for _, word := range []string{"innerHTML", "unsafeHTML", "eval(", "new Function", "document.write", "style=\"", "onclick="} {
			assert.NotContains(t, string(content), word, name)
		}
		return nil
	}))
	for kind, n := range own {
		assert.Less(t, n, ownBytes[kind], kind)
	}
	t.Logf("bytes of our own: %v", own)
}

func TestPageIsServed(t *testing.T) {
	p := New()
	get := func(header string, serve func(w *httptest.ResponseRecorder)) (*httptest.ResponseRecorder, string) {
		w := httptest.NewRecorder()
		serve(w)
		body := io.Reader(w.Body)
		if w.Header().Get("Content-Encoding") == "gzip" {
			var err error
			body, err = gzip.NewReader(body)
			require.NoError(t, err)
		}
		text, err := io.ReadAll(body)
		require.NoError(t, err)
		return w, string(text)
	}
	for _, encoding := range []string{"", "gzip, br"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Encoding", encoding)
		w, index := get(encoding, func(w *httptest.ResponseRecorder) { p.ServeHTTP(w, r) })
		assert.Equal(t, encoding != "", w.Header().Get("Content-Encoding") == "gzip")
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		assert.Equal(t, Policy, w.Header().Get("Content-Security-Policy"))
		assert.Equal(t, "same-origin", w.Header().Get("Cross-Origin-Resource-Policy"))
		assert.NotContains(t, index, "HASH")
		files := regexp.MustCompile(`(?:src|href)="(assets/[^"]+)"`).FindAllStringSubmatch(index, -1)
		require.GreaterOrEqual(t, len(files), 4)
		for _, f := range files {
			rest := strings.TrimPrefix(f[1], "assets/"+p.Hash()+"/")
			require.NotEqual(t, f[1], rest)
			var found bool
			w, text := get(encoding, func(w *httptest.ResponseRecorder) { found = p.Asset(w, r, p.Hash(), rest) })
			assert.True(t, found, rest)
			assert.NotEmpty(t, text)
			assert.Contains(t, w.Header().Get("Cache-Control"), "immutable")
			assert.NotEmpty(t, w.Header().Get("Content-Type"), rest)
		}
	}
	for _, wrong := range [][2]string{{"", "app.js"}, {"0123", "app.js"}, {p.Hash(), "no.js"}, {p.Hash(), "index.html"}, {p.Hash(), "../page.go"}} {
		assert.False(t, p.Asset(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), wrong[0], wrong[1]), "%v", wrong)
	}
}
