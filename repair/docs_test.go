package repair_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/repair"
)

// Every reason and outcome that the engine gives is explained to operators.
func TestEngineIsDocumented(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "docs", "engine.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	reasons := constants(t, "outcome.go", "Reason")
	if len(reasons) < 8 {
		t.Fatalf("only %d reasons found in outcome.go", len(reasons))
	}
	for _, o := range []repair.Outcome{repair.Noop, repair.Repaired, repair.ObservedOnly, repair.Blocked, repair.Failed, repair.Unknown} {
		reasons = append(reasons, string(o))
	}
	for _, row := range append(reasons, constants(t, "episode.go", "closed")...) {
		if !strings.Contains(page, "| `"+row+"` |") {
			t.Errorf("docs/engine.md has no row for %s", row)
		}
	}
}

// constants are the text constants of a file whose names begin with prefix.
func constants(t *testing.T, file, prefix string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(v.Names[0].Name, prefix) || len(v.Values) != 1 {
			return true
		}
		if lit, ok := v.Values[0].(*ast.BasicLit); ok {
			if s, err := strconv.Unquote(lit.Value); err == nil {
				out = append(out, s)
			}
		}
		return true
	})
	return out
}
