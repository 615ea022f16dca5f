package pages_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/docs"
	"github.com/fettle-io/fettle/internal/pages"
)

func library(t *testing.T) pages.Library {
	t.Helper()
	l, err := pages.All(docs.Files())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestFind(t *testing.T) {
	l := library(t)
	for _, tc := range []struct{ name, kind, title string }{
		{"FettleRaftMemberDown", "alert", "# FettleRaftMemberDown\n"},
		{"fettleraftmemberdown", "alert", "# FettleRaftMemberDown\n"},
		{"quorum", "guard", "# quorum\n"},
		{"member-start", "action", "# member-start\n"},
		{"etcd-member-restart", "playbook", "# etcd-member-restart\n"},
		{"raft", "collector", "# raft\n"},
		{"etcd", "driver", "# etcd\n"},
		{"journal verify", "command", "# fettle journal verify\n"},
		{"fettle explain", "command", "# fettle explain\n"},
		{"guard/pause", "guard", "# pause\n"},
		{"FettleEscalation", "topic", "# FettleEscalation"},
		{"how the engine decides", "topic", "# How the engine decides\n"},
		{"engine", "topic", "# How the engine decides\n"},
		{"topic/guards", "topic", "# Guards\n"},
		{"not-shipped", "topic", "# Thresholds that are not shipped\n"},
		{"thresholds that are not shipped", "topic", "# Thresholds that are not shipped\n"},
		{"guards/quorum", "guard", "# quorum\n"},
	} {
		found, err := l.Find(tc.name)
		if err != nil || len(found) != 1 || found[0].Kind != tc.kind || !strings.HasPrefix(found[0].Text, tc.title) || found[0].Summary == "" {
			t.Errorf("%s: got %+v, %v", tc.name, found, err)
		}
	}
	if found, err := l.Find("pause"); err != nil || len(found) != 2 {
		t.Errorf("pause is a guard and a command: got %d, %v", len(found), err)
	}
	if found, err := l.Find("service-restart"); err != nil || len(found) != 2 {
		t.Errorf("service-restart is a playbook and an action: got %d, %v", len(found), err)
	}
	for name, want := range map[string]string{
		"quorun":   `there is no page "quorun": did you mean "quorum"?`,
		"zzzzzzzz": "there is no page \"zzzzzzzz\": `fettle docs` lists them",
	} {
		if _, err := l.Find(name); !errors.Is(err, pages.ErrNotFound) || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}

// The pages list what `fettle guards` and `fettle docs` show.
func TestEveryPageSays(t *testing.T) {
	l, kinds := library(t), pages.Kinds()
	for _, p := range l.Pages {
		if p.Summary == "" || !slices.Contains(kinds, p.Kind) {
			t.Errorf("%s: kind %s, summary %q", p.Path, p.Kind, p.Summary)
		}
		if p.Kind != "guard" {
			continue
		}
		reasons := l.Reasons(p.Name)
		if len(reasons) == 0 {
			t.Errorf("%s lists no reason", p.Path)
		}
		for _, r := range reasons {
			if r.Reason == "" || r.When == "" || strings.Contains(r.Reason, "`") {
				t.Errorf("%s: %+v", p.Path, r)
			}
		}
	}
	if reasons := l.Reasons("nothing"); reasons != nil {
		t.Errorf("reasons of nothing: %v", reasons)
	}
}

// Every page is read whole: it becomes well-formed HTML without a rest of markup, and
// text that fits the terminal.
func TestEveryPageIsShown(t *testing.T) {
	rest := regexp.MustCompile(`\]\(|\*\*|^#{1,6} |^\|`)
	for _, p := range library(t).Pages {
		var b bytes.Buffer
		var left []string
		err := pages.HTML(&b, p, func(to string) string { return "/docs/" + to })
		if err != nil {
			t.Fatal(err)
		}
		d, inCode := xml.NewDecoder(strings.NewReader("<body>"+b.String()+"</body>")), 0
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v in\n%s", p.Path, err, b.String())
			}
			switch x := token.(type) {
			case xml.StartElement:
				if x.Name.Local == "code" {
					inCode++
				}
			case xml.EndElement:
				if x.Name.Local == "code" {
					inCode--
				}
			case xml.CharData:
				if s := strings.TrimSpace(string(x)); inCode == 0 && (rest.MatchString(s) || strings.Contains(s, "`")) {
					left = append(left, s)
				}
			}
		}
		if len(left) > 0 {
			t.Errorf("%s: markup is left: %q", p.Path, left)
		}

		b.Reset()
		if err := pages.Terminal(&b, p.Text, pages.Look{Width: 80}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			long := len([]rune(strings.TrimRight(line, "\n"))) > 80
			if long && !strings.HasPrefix(strings.TrimLeft(line, "- "), "    ") && strings.Count(strings.TrimSpace(line), " ") > 3 && !strings.Contains(p.Text, strings.TrimSpace(line)) {
				t.Errorf("%s: wider than 80: %q", p.Path, line)
			}
			if strings.Contains(line, "\x1b") {
				t.Errorf("%s: an escape without being asked for: %q", p.Path, line)
			}
		}
	}
}

func TestTerminal(t *testing.T) {
	const text = "# title\n\nSome **strong** text, `code`, [a link](x.md) and [one](https://example.org)\nthat flows on.\n\n" +
		"- first\n  on two lines\n- second\n  - inner\n\n1. one\n2. two\n\n```sh\nfettle status   # says\n```\n\n| name | |\n|---|---|\n| `a` | b\\|c is a longer text that has to be broken |\n\n> quoted\n"
	const want = `title

Some strong text, code, a link and one
(https://example.org) that flows on.

- first on two lines
- second
  - inner

1. one
2. two

    fettle status   # says

name
a     b|c is a longer text that has to
      be broken

  quoted
`
	var b bytes.Buffer
	if err := pages.Terminal(&b, text, pages.Look{Width: 40}); err != nil {
		t.Fatal(err)
	}
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	if err := pages.Terminal(&b, "# x\n", pages.Look{Bold: true}); err != nil || b.String() != "\x1b[1mx\x1b[0m\n" {
		t.Errorf("got %q, %v", b.String(), err)
	}
	b.Reset()
	const narrow = "| name | of | what |\n|---|---|---|\n| some-name | something | a rather long text here |\n"
	if err := pages.Terminal(&b, narrow, pages.Look{Width: 30}); err != nil || b.String() != "some-name\n  of: something\n  what: a rather long text\n    here\n" {
		t.Errorf("got %q, %v", b.String(), err)
	}
}

func TestHTML(t *testing.T) {
	p := pages.Page{Path: "guards/quorum", Text: "# A `b` <c>\n\n[x](../engine.md#reasons) [y](https://example.org/?a=1&b=2) [z](javascript:alert(1)) [w](../../SECURITY.md) <script>\n"}
	var b bytes.Buffer
	err := pages.HTML(&b, p, func(to string) string {
		if strings.HasPrefix(to, "..") {
			return ""
		}
		return "/docs/" + to
	})
	const want = `<h1 id="a-b-c">A <code>b</code> &lt;c&gt;</h1>
<p><a href="/docs/engine.md#reasons">x</a> <a href="https://example.org/?a=1&amp;b=2">y</a> z) w &lt;script&gt;</p>
`
	if err != nil || b.String() != want {
		t.Errorf("got\n%s (%v), want\n%s", b.String(), err, want)
	}
}

func FuzzPages(f *testing.F) {
	for _, p := range []string{"# a\n- b\n  - c\n", "| a | b |\n|--\n", "```\nx", "> a\n> - b", "1. a\n\n   b", "[a](b) `c` **d** _e_ \\f", "- \n", "|", "#"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var b bytes.Buffer
		if err := pages.Terminal(&b, text, pages.Look{Width: 60}); err != nil {
			t.Fatal(err)
		}
		if err := pages.HTML(&b, pages.Page{Path: "x", Text: text}, func(string) string { return "" }); err != nil {
			t.Fatal(err)
		}
	})
}
