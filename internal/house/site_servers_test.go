//go:build servers

package house_test

import (
	"bytes"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/internal/story"
)

var (
	hrefs    = regexp.MustCompile(`(?:href|src)="?([^" >]+)"?`)
	ids      = regexp.MustCompile(`\bid="?([^" >]+)"?`)
	foreign  = regexp.MustCompile(`<(?:link|img|script|iframe|source|object)[^>]*(?:href|src)="?(?:https?:)?//`)
	headOnes = regexp.MustCompile(`<h1\b`)
)

// The site is built without a warning; every link in it leads somewhere, fragments
// included; nothing is fetched from elsewhere, and nothing is run.
func TestSite(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "make", "--no-print-directory", "site")
	cmd.Dir = root(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make site: %v\n%s", err, out)
	}
	top := filepath.Join(root(t), ".cache", "site")
	site := map[string]string{}
	err := filepath.WalkDir(top, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		short, err := filepath.Rel(top, name)
		site["/"+filepath.ToSlash(short)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(site) < 80 {
		t.Errorf("only %d files", len(site))
	}
	for name, text := range site {
		if !strings.HasSuffix(name, ".html") {
			continue
		}
		if foreign.MatchString(text) || strings.Contains(text, "<script") {
			t.Errorf("%s fetches from elsewhere, or has a script", name)
		}
		if n := len(headOnes.FindAllString(text, -1)); n > 1 || !strings.Contains(text, `href="#content"`) && !strings.Contains(text, "href=#content") {
			t.Errorf("%s has %d h1, or nothing to skip the menu with", name, n)
		}
		for _, m := range hrefs.FindAllStringSubmatch(text, -1) {
			leads(t, site, name, m[1])
		}
	}
}

// leads wants a link of a page to lead to a file of the site, and to an id in it.
func leads(t *testing.T, site map[string]string, from, link string) {
	t.Helper()
	u, err := url.Parse(strings.ReplaceAll(link, "&amp;", "&"))
	if err != nil || u.Scheme != "" {
		if err != nil {
			t.Errorf("%s: %s: %v", from, link, err)
		}
		return
	}
	to := from
	if u.Path != "" {
		to = path.Join(path.Dir(from), u.Path)
	}
	if strings.HasSuffix(u.Path, "/") {
		to = path.Join(to, "index.html")
	}
	text, ok := site[to]
	if !ok {
		t.Errorf("%s: %s leads to nothing", from, link)
		return
	}
	if u.Fragment == "" {
		return
	}
	for _, m := range ids.FindAllStringSubmatch(text, -1) {
		if m[1] == u.Fragment {
			return
		}
	}
	t.Errorf("%s: %s has no #%s", from, to, u.Fragment)
}

// An incident report about hostile labels, rendered by a Markdown program that is not
// ours, has no tag, no link and no cell of theirs.
func TestReportIsRenderedPlainly(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{
		"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](https://evil.example)", "![x](https://evil.example/p.png)",
		"https://evil.example", "www.evil.example", "a@evil.example", "`", "`` ` ``", "` `ok` <b> `", "`a``<b>`", "\\`<b>`", "a|b|c", `\|`, "| x |", "**b**", "~~s~~", "# h", "- i", "1. i", "> q", "&lt;script&gt;", "<!--",
	} {
		told := story.Story{
			Says: text, State: text, Alert: story.Alert{Name: text, Fingerprint: text, Labels: map[string]string{"evil": text}, Summary: text}, Target: text, Playbook: text, Episode: text,
			Events:   []story.Event{{Type: "run.finished", Says: text, Details: []string{text, "seen: " + text}}},
			Refusals: []story.Refusal{{Guard: text, Reason: text, Detail: text}},
			Stages:   []story.Stage{{Name: "decide", Says: text}}, Next: []story.Next{{Says: text, Command: text, Config: text}},
		}
		var b bytes.Buffer
		if err := story.Report(&b, told); err != nil {
			t.Fatal(err)
		}
		for name, content := range map[string]string{
			"hugo.toml": "baseURL = \"https://x.invalid/\"\ndisableKinds = [\"taxonomy\", \"term\", \"rss\", \"sitemap\"]\nignoreLogs = [\"warning-goldmark-raw-html\"]\n[markup.highlight]\ncodeFences = false\n", "layouts/all.html": "{{ .Content }}", "content/_index.md": b.String(),
		} {
			if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		out, err := exec.CommandContext(t.Context(), filepath.Join(root(t), ".cache", "bin", "hugo"), "--quiet", "--noBuildLock", "--source", dir).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		html, err := os.ReadFile(filepath.Join(dir, "public", "index.html"))
		if err != nil {
			t.Fatal(err)
		}
		got := regexp.MustCompile(`(?s)<code.*?</code>`).ReplaceAllString(string(html), "")
		for _, bad := range []string{"<script", "<img", "<a ", "<strong", "<del", "<blockquote", "<!-- raw", "<ol", "<h3"} {
			if strings.Contains(got, bad) {
				t.Errorf("%q becomes %s in\n%s\nof\n%s", text, bad, html, b.String())
			}
		}
		for _, row := range regexp.MustCompile(`(?s)<tr>.*?</tr>`).FindAllString(got, -1) {
			if n := strings.Count(row, "<td"); n != 0 && n != 2 && n != 3 && n != 4 && n != 7 {
				t.Errorf("%q makes a row of %d cells", text, n)
			}
		}
	}
}
