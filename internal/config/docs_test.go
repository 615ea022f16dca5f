package config

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/internal/strictyaml"
)

var update = flag.Bool("update", false, "write the generated part of docs/configuration.md")

const page = "../../docs/configuration.md"

// numbers is the generated part of the page.
func numbers() string {
	var b strings.Builder
	b.WriteString("\n| key | default | 0 | what it is | rule |\n|---|---|---|---|---|\n")
	fixed := "\nThese are fixed:\n\n| value | what it is | rule |\n|---|---|---|\n"
	for _, n := range Numbers() {
		if n.Key == "" {
			fixed += fmt.Sprintf("| %s | %s | %s |\n", n.DefaultText(), n.Help, n.Rule)
			continue
		}
		zero, help := n.Zero, n.Help
		if zero == "" {
			zero = "refused"
		}
		if n.Fleet {
			help += " (only under `overrides.all`)"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", n.Key, n.DefaultText(), zero, help, n.Rule)
	}
	return b.String() + fixed + "\n"
}

func TestNumbersAreDocumented(t *testing.T) {
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), "-update -->\n")
	_, after, ok2 := strings.Cut(rest, "<!-- end of the generated part -->")
	if !ok || !ok2 {
		t.Fatalf("%s has lost the marks of its generated part", page)
	}
	want := before + "-update -->\n" + numbers() + "<!-- end of the generated part -->" + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil { //nolint:gosec // a page for everybody
			t.Fatal(err)
		}
		return
	}
	if string(b) != want {
		t.Errorf("%s is not current: go test ./internal/config -run Documented -update", page)
	}
}

// The page has a section for every key of the file, and its examples are read.
func TestEveryKeyIsDocumented(t *testing.T) {
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	doc := strictyaml.Parse("f.yml", []byte("zzzzzzzz: 1\n"))
	var c Config
	doc.Decode(&c)
	_, known, _ := strings.Cut(doc.Err().Error(), "known here: ")
	for _, key := range strings.Split(known, ", ") {
		if !strings.Contains(string(b), "\n## "+key) && !strings.Contains(string(b), ", "+key+"\n") {
			t.Errorf("%s has no section on %s", page, key)
		}
	}
	read := 0
	for _, part := range strings.Split(string(b), "```yaml\n")[1:] {
		example, _, _ := strings.Cut(part, "```")
		if strings.Contains(example, "…") || strings.HasPrefix(example, "commands:") {
			continue // an excerpt
		}
		read++
		example += "\n"
		if !strings.Contains(example, "clusters:\n  - ") && strings.Contains(example, "demo") {
			example += "clusters: [{name: demo, kind: service, members: [{name: w, host: h, unit: w.service}]}]\n"
		}
		if !strings.Contains(example, "web:\n") {
			example += "web: {roles: [{role: operator, user: alice}]}\n"
		}
		if _, err := Parse("example", []byte(example)); err != nil {
			t.Errorf("%s\n%v", example, err)
		}
	}
	if read < 6 {
		t.Errorf("only %d examples were read", read)
	}
}
