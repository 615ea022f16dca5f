package access_test

import (
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Secrets are never compared by ==, bytes.Equal and the like, whose time tells how much
// of a guess was right: only digests are, in constant time. Timing itself cannot be
// tested well, so the source is.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	secret := regexp.MustCompile(`(?i)(secret|password|token|hash|sum)\b`)
	harmless := regexp.MustCompile(`^(""|nil|token\.Kind\(\)|\d+|len\(.*\)|min[A-Z]\w*|.*File)$`)
	looked := 0
	for _, dir := range []string{".", "../door", "../../webhook", "../../api"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			looked++
			set := token.NewFileSet()
			parsed, err := parser.ParseFile(set, file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			text := func(n ast.Node) string {
				var b strings.Builder
				if err := printer.Fprint(&b, set, n); err != nil {
					t.Fatal(err)
				}
				return b.String()
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				switch x := n.(type) {
				case *ast.BinaryExpr:
					if l, r := text(x.X), text(x.Y); (x.Op == token.EQL || x.Op == token.NEQ) &&
						(secret.MatchString(l) || secret.MatchString(r)) && !harmless.MatchString(l) && !harmless.MatchString(r) {
						t.Errorf("%s: %s %s %s compares a secret: use crypto/subtle", set.Position(x.Pos()), l, x.Op, r)
					}
				case *ast.CallExpr:
					if called := text(x.Fun); called == "bytes.Equal" || called == "strings.EqualFold" && secret.MatchString(text(x)) || called == "bytes.Compare" {
						t.Errorf("%s: %s may compare a secret: use crypto/subtle", set.Position(x.Pos()), text(x))
					}
				}
				return true
			})
		}
	}
	if looked < 10 {
		t.Errorf("%d files were looked at", looked)
	}
}
