package scorecard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// file is where the figure lies.
func (f Figure) file() string {
	name := fmt.Sprintf("%02d.%s.%s.json", f.Row, f.Package, f.Test)
	return strings.NewReplacer("/", "-", " ", "_").Replace(name)
}

// Figures reads what was measured, in the order of the rows.
func Figures(dir string) ([]Figure, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	var all []Figure
	for _, name := range names { // sorted
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var f Figure
		if err := json.Unmarshal(b, &f); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if f.file() != filepath.Base(name) {
			return nil, fmt.Errorf("%s: what it says belongs into %s", name, f.file())
		}
		all = append(all, f)
	}
	return all, nil
}

const head = `# Scorecard

<!-- Written by go test ./internal/scorecard -update, from internal/scorecard/figures. -->

What a program that repairs at night has to withstand, and what was measured, by the test that stands beside it. The figures are from a machine with two cores. Each is from the commit named; ` + "`make scorecard`" + ` measures them again. What the fault tests do, and how: [faults](faults.md).

| # | what is done | how often | must keep | measured |
|---|---|---|---|---|
`

// Render is docs/scorecard.md.
func Render(table []Entry, figures []Figure) []byte {
	var b bytes.Buffer
	b.WriteString(head)
	for _, e := range table {
		var cells []string
		if e.Later != "" {
			cells = append(cells, "does not apply yet: "+e.Later)
		}
		for _, f := range figures {
			if f.Row == e.Number {
				test, _, _ := strings.Cut(f.Test, "/")
				cells = append(cells, fmt.Sprintf("%s (`%s` in %s, `%s`, at %s)", f.Figure, test, f.Package, e.Command, f.Revision))
			}
		}
		if len(cells) == 0 {
			cells = append(cells, "not measured")
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %s | %s |\n", e.Number, cell(e.Test), cell(e.Load), cell(e.Keeps), cell(strings.Join(cells, "<br>")))
	}
	return b.Bytes()
}

// cell is text that a table can hold.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}
