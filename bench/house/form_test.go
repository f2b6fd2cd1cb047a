package house

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

const (
	mostLines         = 400 // of a file
	mostFunctionLines = 70  // what fits a screen
)

func TestFilesStayShort(t *testing.T) {
	for _, f := range sources(t) {
		if f.lines > mostLines {
			t.Errorf("%s has %d lines: split it by subject, above %d nobody reads it whole", f.path, f.lines, mostLines)
		}
	}
}

func TestFunctionsFitAScreen(t *testing.T) {
	for _, f := range sources(t) {
		if f.test {
			continue // tables are long
		}
		for _, declaration := range f.ast.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := positions.Position(function.End()).Line - positions.Position(function.Pos()).Line + 1; n > mostFunctionLines {
				t.Errorf("%s: func %s has %d lines, more than fit a screen (%d)", f.path, function.Name.Name, n, mostFunctionLines)
			}
		}
	}
}

func TestPackagesSayWhatTheyOwn(t *testing.T) {
	comments := map[string]string{}
	for _, f := range sources(t) {
		if f.ast.Doc != nil {
			comments[f.room] += f.ast.Doc.Text()
		} else if _, ok := comments[f.room]; !ok {
			comments[f.room] = ""
		}
	}
	for path, comment := range comments {
		if len(strings.Fields(comment)) < 10 {
			t.Errorf("package %s has no package comment worth the name: say in its doc.go what it owns, who may write, and give an example", path)
		}
	}
}

// TestFilesSayWhatTheyAreFor: who opens a file, or lists the first lines of a folder, learns why it is there.
func TestFilesSayWhatTheyAreFor(t *testing.T) {
	for _, f := range sources(t) {
		if f.test || f.ast.Doc != nil {
			continue // the package's comment says it
		}
		first := opening(&f)
		switch words := strings.Fields(first); {
		case first == "" || len(words) < 3 || !strings.HasSuffix(first, "."):
			t.Errorf("%s does not begin with a line that says what the file is for: write one short sentence as a comment, and leave a line free below it", f.path)
		case len(first) > 100:
			t.Errorf("%s says what it is for in %d bytes: say it in 100", f.path, len(first))
		case strings.Contains(strings.ToLower(first), "this file") || strings.Contains(first, ".go"):
			t.Errorf("%s names itself in its first line: say what is in it", f.path)
		}
	}
}

// opening is the comment in the first line of a file, if it is alone there and no part of the package's.
func opening(f *file) string {
	if len(f.ast.Comments) == 0 || f.ast.Comments[0] == f.ast.Doc || len(f.ast.Comments[0].List) != 1 {
		return ""
	}
	first := f.ast.Comments[0].List[0]
	if positions.Position(first.Pos()).Line != 1 || first.Pos() > f.ast.Package {
		return ""
	}
	text, _ := strings.CutPrefix(first.Text, "// ")
	return text
}

// TestNobodySleepsInTests keeps tests quick and true: they wait for a condition. In a bubble of testing/synctest time
// is virtual, and sleeping is how it is moved.
func TestNobodySleepsInTests(t *testing.T) {
	bubbles := map[string][]string{} // helpers that run their argument in a bubble, by room
	for _, f := range sources(t) {
		for _, declaration := range f.ast.Decls {
			if function, ok := declaration.(*ast.FuncDecl); ok && f.test && opensBubble(function) {
				bubbles[f.room] = append(bubbles[f.room], function.Name.Name)
			}
		}
	}
	for _, f := range sources(t) {
		if !f.test {
			continue
		}
		ast.Inspect(f.ast, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			switch {
			case !ok:
				return true
			case isCall(call, "synctest", "Test"):
				return false
			case isCall(call, "time", "Sleep"):
				t.Errorf("%s: time.Sleep in a test: wait for the condition with a deadline, or use testing/synctest", positions.Position(call.Pos()))
			}
			helper, ok := call.Fun.(*ast.Ident)
			return !ok || !slices.Contains(bubbles[f.room], helper.Name)
		})
	}
}

func opensBubble(function *ast.FuncDecl) (opens bool) {
	if strings.HasPrefix(function.Name.Name, "Test") {
		return false
	}
	ast.Inspect(function, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		opens = opens || ok && isCall(call, "synctest", "Test")
		return !opens
	})
	return opens
}

func isCall(call *ast.CallExpr, pkg, name string) bool {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != name {
		return false
	}
	x, ok := selector.X.(*ast.Ident)
	return ok && x.Name == pkg
}
