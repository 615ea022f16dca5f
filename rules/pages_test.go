package rules_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated parts of docs/alerts")

const (
	pages = "../docs/alerts"
	begin = "<!-- generated: go test ./rules -run TestPages -update -->\n"
	end   = "<!-- end of generated -->"
)

// Every alert has a page with its expression as it is now, and with what people
// need to know about it.
func TestPages(t *testing.T) {
	known := map[string]bool{"README.md": true, "not-shipped.md": true}
	var index strings.Builder
	index.WriteString("\n| alert | severity | tier | repaired by | |\n|---|---|---|---|---|\n")
	for _, a := range alerts(t) {
		known[a.Alert+".md"] = true
		fmt.Fprintf(&index, "| [%[1]s](%[1]s.md) | %s | %s | %s | %s |\n",
			a.Alert, a.Labels["severity"], a.Labels["tier"], repairedBy(a), a.Annotations["summary"])

		page := generated(t, a.Alert+".md", facts(a))
		if !strings.HasPrefix(page, "# "+a.Alert+"\n") {
			t.Errorf("%s.md: the title is not the alert's name", a.Alert)
		}
		for _, heading := range []string{"What it means", "Why this threshold", "What fettle does", "What to do by hand", "Silence"} {
			_, after, found := strings.Cut(page, "\n## "+heading+"\n")
			text, _, _ := strings.Cut(after, "\n## ")
			if !found || len(strings.TrimSpace(text)) < len("Nothing.") {
				t.Errorf("%s.md says nothing under %q", a.Alert, heading)
			}
		}
	}
	generated(t, "README.md", index.String()+"\n")

	entries, err := os.ReadDir(pages)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !known[e.Name()] {
			t.Errorf("%s is the page of no alert", filepath.Join(pages, e.Name()))
		}
	}
}

// facts is the part of a page that follows from the rule.
func facts(a located) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n\n", a.Annotations["summary"])
	b.WriteString("| severity | tier | for | keeps firing for | labels from the expression | rule file |\n|---|---|---|---|---|---|\n")
	own := "those of the series"
	if strings.Contains(a.Expr, "by (") && !strings.Contains(a.Expr, "up{") {
		_, after, _ := strings.Cut(a.Expr, "by (")
		own, _, _ = strings.Cut(after, ")")
	}
	fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | [%[6]s](../../rules/%[6]s) |\n\n",
		a.Labels["severity"], a.Labels["tier"], a.For, a.KeepFiringFor, own, a.file)
	fmt.Fprintf(&b, "Playbook: %s.\n\n", repairedBy(a))
	fmt.Fprintf(&b, "```promql\n%s\n```\n\n", a.Expr)
	return b.String()
}

func repairedBy(a located) string {
	if reason, none := strings.CutPrefix(a.Annotations["playbook"], "none: "); none {
		return "none (" + reason + ")"
	}
	return "`" + a.Annotations["playbook"] + "`"
}

// generated compares the generated part of a page with what it should be, or
// writes it, and returns the page.
func generated(t *testing.T, name, want string) string {
	t.Helper()
	path := filepath.Join(pages, name)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Errorf("%v: an alert needs a page; copy one that is there", err)
		return ""
	}
	page := string(content)
	before, rest, hasBegin := strings.Cut(page, begin)
	got, after, hasEnd := strings.Cut(rest, end)
	if !hasBegin || !hasEnd {
		t.Errorf("%s has no place for the generated part: %s%s", path, begin, end)
		return page
	}
	if got == want {
		return page
	}
	if !*update {
		t.Errorf("%s is not current: go test ./rules -run TestPages -update\ngot:\n%swant:\n%s", path, got, want)
		return page
	}
	page = before + begin + want + end + after
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		t.Error(err)
	}
	return page
}
