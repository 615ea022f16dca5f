package story_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/fettle-io/fettle/internal/story"
)

// A file in testdata with a section report has the story as an incident report.
func TestReport(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		told := story.Tell(about(a), records(t, a))
		told.Within(60 * time.Second)
		var got bytes.Buffer
		if err := story.Report(&got, told); err != nil {
			t.Fatal(err)
		}
		onlyPlain(t, got.String())
		want := section(a, "report")
		if want.Name == "" {
			continue
		}
		seen++
		if *update {
			want.Data = got.Bytes()
			if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got.String() != string(want.Data) {
			t.Errorf("%s: got\n%s\nwant\n%s", file, got.String(), want.Data)
		}
	}
	if seen < 4 {
		t.Errorf("only %d reports", seen)
	}
}

// hostile are texts that mean something to a terminal, to Markdown or to a browser.
func hostile() []string {
	return []string{
		"\x1b[31mred\x1b[0m", "\x1b]8;;https://evil.example\x07here\x1b]8;;\x07", "line\nline", "\r# heading",
		"`", "``", "`code` `", "` `ok` `", "`a``b`", "\\`x`", "`<b>`", "`a b`c`d` <i>", "```\nfence", "a|b", `a\|b`, `\\|`, "|---|---|",
		"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</td></tr>", "<!-- ", "&lt;script&gt;", "&#60;b&#62;",
		"[here](https://evil.example)", "![x](https://evil.example/p.png)", "[here](javascript:alert(1))", "<https://evil.example>",
		"https://evil.example", "www.evil.example", "someone@evil.example", "@everyone", "[ref]: https://evil.example",
		"# heading", "- item", "+ item", "1. item", "12) item", "===", "---", "> quote", "    code", "~~struck~~", "*bold* _it_", "[^1]", "$x$", "{{< raw >}}", "\u202egpj", "\xff",
	}
}

// Whatever labels and annotations say, a report has the same lines, cells and
// headings, and no link, no tag and no code of theirs.
func TestReportOfHostileTexts(t *testing.T) {
	plain := reported(t, "plain")
	for _, text := range hostile() {
		got := reported(t, text)
		onlyPlain(t, got)
		if a, b := skeleton(plain), skeleton(got); a != b {
			t.Errorf("%q changes the form of the report: got\n%s\nwant\n%s\nin\n%s", text, b, a, got)
		}
		bare := withoutCode(got)
		for _, bad := range []string{"<script", "<img", "</td", "<!--", "](", "://", "www.", "@", "~~s", "{{<"} {
			if strings.Contains(bare, bad) {
				t.Errorf("%q leaves %q in\n%s", text, bad, got)
			}
		}
	}
}

// reported is the report of an alert all of whose texts are the given one.
func reported(t *testing.T, text string) string {
	t.Helper()
	a := &txtar.Archive{Files: []txtar.File{
		{Name: "about", Data: []byte("e1")},
		{Name: "records", Data: fmt.Appendf(nil, `1 b1 received alert/f {"fingerprint":"f","status":"firing","labels":{"alertname":%[1]q,"other":%[1]q},"annotations":{"summary":%[1]q},"message":"m","actor":"am","episode":"e1","opened":true,"playbook":"p"}
2 b1 run.planned run/r {"run":"r","episode":"e1","playbook":"p","target":"demo/m2","tier":"P0","autonomy":"auto","digests":{},"steps":[{"name":"start","action":"member-start","with":{"x":%[1]q}}]}
3 b1 run.finished run/r {"run":"r","episode":"e1","playbook":"p","target":"demo/m2","outcome":"blocked","guard":"g","reason":"r","detail":%[1]q,"says":%[1]q,"verdicts":[{"guard":"g","reason":"r","detail":%[1]q}]}
`, jsonText(text))},
	}}
	told := story.Tell("e1", records(t, a))
	var b bytes.Buffer
	if err := story.Report(&b, told); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// jsonText is a text that %q writes as JSON does.
type jsonText string

// Format implements fmt.Formatter.
func (s jsonText) Format(f fmt.State, _ rune) {
	fmt.Fprint(f, `"`)
	for _, r := range string(s) {
		switch {
		case r == '"' || r == '\\':
			fmt.Fprintf(f, `\%c`, r)
		case r < 0x20:
			fmt.Fprintf(f, `\u%04x`, r)
		default:
			fmt.Fprintf(f, "%c", r)
		}
	}
	fmt.Fprint(f, `"`)
}

// skeleton is the form of a report: what each line begins with, and its bars.
func skeleton(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		mark := strings.TrimLeft(line, " ")
		mark, _, _ = strings.Cut(mark, " ")
		if strings.Trim(mark, "#-|") != "" && !strings.HasPrefix(mark, "```") {
			mark = "text"
		}
		fmt.Fprintf(&b, "%d %s %d\n", len(line)-len(strings.TrimLeft(line, " ")), strings.TrimSpace(mark), strings.Count(line, "|"))
	}
	return b.String()
}

// withoutCode leaves out the code within lines, and what is escaped.
func withoutCode(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(regexp.MustCompile(`\\.`).ReplaceAllString(spans(line), ""))
	}
	return b.String()
}

// spans takes the code spans out of one line as CommonMark finds them: a run of
// backticks up to the next run of equal length.
func spans(line string) string {
	runs := regexp.MustCompile("`+")
	for from := 0; ; {
		at := runs.FindStringIndex(line[from:])
		if at == nil {
			return line
		}
		begin, end := from+at[0], from+at[1]
		if begin > 0 && line[begin-1] == '\\' {
			from = end
			continue
		}
		closed := false
		for _, m := range runs.FindAllStringIndex(line[end:], -1) {
			if m[1]-m[0] == end-begin {
				line = line[:begin] + line[end+m[1]:]
				from, closed = begin, true
				break
			}
		}
		if !closed {
			from = end
		}
	}
}
