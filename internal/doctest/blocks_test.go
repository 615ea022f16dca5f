package doctest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// block is one fenced block of commands. Its mark, the word behind sh, says how it
// is run: at once (none), again until its last command succeeds (retry), beside the
// others until the page ends (background), or when that is ended (end).
type block struct {
	page string
	line int
	mark string
	text string
}

var fence = regexp.MustCompile("(?ms)^```(?:sh|console)(?: +(\\S+))?\n(.*?)^```$")

// blocks are those of a page, in order. Of a console block only what follows a $ is
// run.
func blocks(t *testing.T, page string) (all []block) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(tree(t), page))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, m := range fence.FindAllStringSubmatchIndex(text, -1) {
		one := block{page: page, line: 1 + strings.Count(text[:m[0]], "\n"), text: text[m[4]:m[5]]}
		if m[2] >= 0 {
			one.mark = text[m[2]:m[3]]
		}
		if strings.HasPrefix(text[m[0]:], "```console") {
			one.text = prompted(one.text)
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		t.Fatalf("%s has no commands", page)
	}
	return all
}

func prompted(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			b.WriteString(command)
		}
	}
	return b.String()
}

// tree is fettle's source tree.
func tree(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// elsewhere are the pages whose commands another test runs, and which.
func elsewhere() map[string]string {
	return map[string]string{
		"docs/how-to/first-cluster.md": "internal/installtest, TestInstalled: in a clean Debian with the package, as root, under its own systemd",
	}
}

// Every page that is a way to go along, with commands, is gone along by a test.
func TestEveryWayIsGone(t *testing.T) {
	found, err := filepath.Glob(filepath.Join(tree(t), "docs", "how-to", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	here := []string{"README.md", "docs/tutorial.md"}
	for _, file := range found {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		page := "docs/how-to/" + filepath.Base(file)
		if fence.Match(text) && elsewhere()[page] == "" && !slices.Contains(here, page) {
			t.Errorf("no test runs the commands of %s", page)
		}
	}
	for _, page := range here {
		for _, b := range blocks(t, page) {
			if !slices.Contains([]string{"", "retry", "background", "end"}, b.mark) {
				t.Errorf("%s:%d: sh %s is no way to run a block", b.page, b.line, b.mark)
			}
		}
	}
}

func TestPrompted(t *testing.T) {
	if got := prompted("$ a b\nout\n$ c\n"); got != "a b\nc\n" {
		t.Errorf("got %q", got)
	}
}
