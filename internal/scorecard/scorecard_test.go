package scorecard

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var (
	update   = flag.Bool("update", false, "write docs/scorecard.md")
	complete = flag.Bool("complete", false, "want a figure for every row that applies, as make scorecard does")
)

func TestDocsSayWhatWasMeasured(t *testing.T) {
	figures, err := Figures("figures")
	if err != nil {
		t.Fatal(err)
	}
	want := Render(Table(), figures)
	page := filepath.Join("..", "..", "docs", "scorecard.md")
	if *update {
		if err := os.WriteFile(page, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/scorecard.md is not what the figures say: go test ./internal/scorecard -update")
	}
}

func TestEveryRowIsMeasured(t *testing.T) {
	figures, err := Figures("figures")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range Table() {
		measured := slices.ContainsFunc(figures, func(f Figure) bool { return f.Row == e.Number })
		if e.Later != "" && measured {
			t.Errorf("row %d is measured, and the table says that it cannot be yet", e.Number)
		}
		if *complete && e.Later == "" && !measured {
			t.Errorf("row %d (%s) has no figure: %s", e.Number, e.Test, e.Command)
		}
	}
}

// A figure is a row's, and the test that measured it, or the bench's section of that
// name, is still there.
func TestFiguresAreOfTests(t *testing.T) {
	figures, err := Figures("figures")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range figures {
		if f.Row < 1 || f.Row > len(Table()) {
			t.Errorf("%s: there is no row %d", f.file(), f.Row)
		}
		name, _, _ := strings.Cut(f.Test, "/")
		files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(f.Package), "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		found := slices.ContainsFunc(files, func(file string) bool {
			b, err := os.ReadFile(file)
			if !strings.HasSuffix(file, "_test.go") {
				return err == nil && bytes.Contains(b, []byte("{\""+name+"\", "))
			}
			return err == nil && (bytes.Contains(b, []byte("func "+name+"(t *testing.T)")) || bytes.Contains(b, []byte("func "+name+"(b *testing.B)")))
		})
		if !found {
			t.Errorf("%s: %s has no %s any more: remove the figure, and measure the row by another test", f.file(), f.Package, name)
		}
	}
}

func TestTableIsInOrder(t *testing.T) {
	for i, e := range Table() {
		if e.Number != i+1 {
			t.Errorf("row %d stands at %d", e.Number, i+1)
		}
		if e.Test == "" || e.Load == "" || e.Keeps == "" || (e.Command == "") == (e.Later == "") {
			t.Errorf("row %d says too little: %+v", e.Number, e)
		}
	}
}

func TestRow(t *testing.T) {
	t.Setenv(Variable, "")
	Row(t, 1, "goes nowhere")
	dir := t.TempDir()
	t.Setenv(Variable, dir)
	Row(t, 1, "the first")
	Row(t, 1, "0 of 10 | lost")
	figures, err := Figures(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(figures) != 1 {
		t.Fatalf("%d figures, want the last one alone: %+v", len(figures), figures)
	}
	f := figures[0]
	if f.Row != 1 || f.Package != "internal/scorecard" || f.Test != "TestRow" || f.Figure != "0 of 10 | lost" || len(f.Revision) != 12 {
		t.Errorf("got %+v", f)
	}
	page := string(Render(Table(), figures))
	for _, want := range []string{`0 of 10 \| lost`, "`TestRow` in internal/scorecard, `make faults`", "| 2 |", "not measured", "does not apply yet"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "99.other.json"), []byte(`{"row":99}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Figures(dir); err == nil || !strings.Contains(err.Error(), "belongs into") {
		t.Errorf("a file under another name: %v", err)
	}
}

func TestPackageOf(t *testing.T) {
	for in, want := range map[string]string{
		"github.com/fettle-io/fettle/internal/faults.TestX.func1": "internal/faults",
		"github.com/fettle-io/fettle/journal.TestX":               "journal",
		"github.com/fettle-io/fettle/journal_test.TestX":          "journal",
		"github.com/fettle-io/fettle/sim.(*run).end":              "sim",
	} {
		if got := packageOf(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
