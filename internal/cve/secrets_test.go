package cve

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// secretName is a variable, field or function that holds or yields a secret.
var secretName = regexp.MustCompile(`(?i)(secret|token|password|passwd|credential|mac|digest|sum)s?$`)

// constantTime reads every file that decides who may do what, and finds comparisons
// of secrets that take the longer the more of them is right.
func constantTime(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root(t), "internal/access/*.go"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files (%v)", len(files), err)
	}
	compared := false
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text := read(t, file)
		compared = compared || strings.Contains(text, "subtle.ConstantTimeCompare(")
		for _, found := range leaks(t, file, text) {
			t.Errorf("%s: use crypto/subtle over digests", found)
		}
	}
	if !compared {
		t.Error("nothing is compared in constant time")
	}
	// What it has to find, so that it is known to find anything.
	for _, bad := range []string{
		"token == given", "given != k.token", "bytes.Equal(secret, given)", "strings.EqualFold(password, given)", "slices.Equal(a.sum[:], b)",
		"strings.HasPrefix(token, given)", "string(secret) == given", "slices.Contains(tokens, given)", "strings.Compare(token, given) == 0", "reflect.DeepEqual(t.sum, given)",
	} {
		if len(leaks(t, "bad.go", "package p\nfunc f() { _ = "+bad+" }\n")) == 0 {
			t.Errorf("not found: %s", bad)
		}
	}
	for _, good := range []string{"len(secret) < 16", `g.TokenFile != ""`, "subtle.ConstantTimeCompare(sum[:], t.sum[:]) == 1", `strings.EqualFold(scheme, "bearer")`, "len(k.tokens) == 0"} {
		if found := leaks(t, "good.go", "package p\nfunc f() { _ = "+good+" }\n"); len(found) > 0 {
			t.Errorf("found: %s", found)
		}
	}
}

func leaks(t *testing.T, file, text string) (all []string) {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, text, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if (n.Op == token.EQL || n.Op == token.NEQ) && (secret(n.X) && !constant(n.Y) || secret(n.Y) && !constant(n.X)) {
				all = append(all, set.Position(n.Pos()).String())
			}
		case *ast.CallExpr:
			f, ok := n.Fun.(*ast.SelectorExpr)
			if !ok {
				break
			}
			from, ok := f.X.(*ast.Ident)
			if !ok || !map[string]bool{"bytes": true, "strings": true, "slices": true, "reflect": true, "maps": true}[from.Name] {
				break
			}
			if !map[string]bool{"Equal": true, "EqualFold": true, "Compare": true, "Contains": true, "HasPrefix": true, "HasSuffix": true, "Index": true, "DeepEqual": true}[f.Sel.Name] {
				break
			}
			for _, arg := range n.Args {
				if secret(arg) {
					all = append(all, set.Position(n.Pos()).String())
					break
				}
			}
		}
		return true
	})
	return all
}

// secret tells whether an expression is a secret by its name.
func secret(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return secretName.MatchString(e.Name)
	case *ast.SelectorExpr:
		return secretName.MatchString(e.Sel.Name)
	case *ast.SliceExpr:
		return secret(e.X)
	case *ast.IndexExpr:
		return secret(e.X)
	case *ast.ParenExpr:
		return secret(e.X)
	case *ast.CallExpr: // a conversion, or what makes one
		if f, ok := e.Fun.(*ast.Ident); ok && f.Name == "len" {
			return false
		}
		return len(e.Args) == 1 && secret(e.Args[0])
	}
	return false
}

// constant is what everybody knows: a literal, nil.
func constant(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return e.Name == "nil"
	}
	return false
}
