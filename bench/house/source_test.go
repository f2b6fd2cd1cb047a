package house

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/steelyard-proxy/steelyard"

// root is the module's folder, from this package's.
const root = "../.."

// file is one Go file of the module, whatever system it is built for.
type file struct {
	path  string // below root, with slashes
	room  string // its folder, as rooms names it
	test  bool
	lines int
	ast   *ast.File
}

var positions = token.NewFileSet()

// tree parses every file of the module, once.
var tree = sync.OnceValues(func() ([]file, error) {
	var files []file
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".")):
			return filepath.SkipDir
		case entry.IsDir() && path != root && isModule(path):
			return filepath.SkipDir // it has rules of its own
		case entry.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(positions, path, text, parser.ParseComments)
		if err != nil {
			return fmt.Errorf("parse %s: %w", path, err)
		}
		below := filepath.ToSlash(strings.TrimPrefix(path, filepath.FromSlash(root)+string(filepath.Separator)))
		room := below[:max(strings.LastIndexByte(below, '/'), 0)]
		files = append(files, file{below, room, strings.HasSuffix(name, "_test.go"), bytes.Count(text, []byte("\n")), parsed})
		return nil
	})
	return files, err
})

// isModule says whether a folder is a module of its own, as those are that join the program with what it must not depend on.
func isModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}

func sources(t *testing.T) []file {
	t.Helper()
	files, err := tree()
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

// imports are the paths that a file imports.
func (f *file) imports() []string {
	var paths []string
	for _, spec := range f.ast.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			panic("BUG: a parsed import is no string: " + err.Error())
		}
		paths = append(paths, path)
	}
	return paths
}

// ours turns an import path into the room it names, if it is one of ours.
func ours(path string) (room string, ok bool) {
	return strings.CutPrefix(path, module+"/")
}

// within says whether a room is the folder, or lies in it.
func within(room, folder string) bool {
	return room == folder || strings.HasPrefix(room, folder+"/")
}
