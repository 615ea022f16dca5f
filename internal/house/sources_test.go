package house_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// sources calls fn with every Go file of the main module that is no test, those
// behind build tags among them.
func sources(t *testing.T, fn func(name string, fset *token.FileSet, f *ast.File)) {
	t.Helper()
	top, n := root(t), 0
	err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if base := d.Name(); name != top && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		case !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		short, err := filepath.Rel(top, name)
		if err != nil {
			return err
		}
		n++
		fn(short, fset, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 50 {
		t.Fatalf("only %d source files found", n)
	}
}

// Nothing happens by being linked: what is registered is registered in a table.
func TestNoInit(t *testing.T) {
	sources(t, func(name string, fset *token.FileSet, f *ast.File) {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s:%d: func init", name, fset.Position(fn.Pos()).Line)
			}
		}
	})
}

// Only main ends the process: everything else returns an error, so that what is
// open is closed.
func TestOnlyMainExits(t *testing.T) {
	sources(t, func(name string, fset *token.FileSet, f *ast.File) {
		if f.Name.Name == "main" {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if ok && (x.Name == "os" && sel.Sel.Name == "Exit" || x.Name == "log" && strings.HasPrefix(sel.Sel.Name, "Fatal")) {
				t.Errorf("%s:%d: %s.%s outside a main package", name, fset.Position(sel.Pos()).Line, x.Name, sel.Sel.Name)
			}
			return true
		})
	})
}

func TestFilesStaySmall(t *testing.T) {
	const most = 400 // aimed at: 300
	sources(t, func(name string, fset *token.FileSet, f *ast.File) {
		if lines := fset.File(f.Pos()).LineCount(); lines > most {
			t.Errorf("%s has %d lines, %d is the most: one subject a file", name, lines, most)
		}
	})
}
