package house_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var ( //nolint:gochecknoglobals // constants that Go has no form for
	fences  = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```[ \t]*$")
	code    = regexp.MustCompile("`[^`\n]*`")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} +(.+?)\s*$`)
	scheme  = regexp.MustCompile(`^[a-z]+:`)
)

// pages reads every Markdown file of the tree by its path from the root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found, top := map[string]string{}, root(t)
	err := filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && (e.Name() == "testdata" || e.Name() == "node_modules" || e.Name() == "bin" || strings.HasPrefix(e.Name(), ".") && path != top) {
			return filepath.SkipDir
		}
		if e.IsDir() || filepath.Ext(path) != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(top, path)
		found[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// links are the targets of a page's links, what stands in code left out.
func links(text string) (targets []string) {
	text = code.ReplaceAllString(fences.ReplaceAllString(text, ""), "`")
	for _, m := range link.FindAllStringSubmatch(text, -1) {
		targets = append(targets, m[1])
	}
	return targets
}

// anchors are the names that GitHub gives to a page's headings.
func anchors(text string) (names []string) {
	for _, m := range heading.FindAllStringSubmatch(fences.ReplaceAllString(text, ""), -1) {
		title := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(m[1], "$1")
		names = append(names, strings.Map(func(c rune) rune {
			switch {
			case c == ' ':
				return '-'
			case c == '-', c == '_', unicode.IsLetter(c), unicode.IsDigit(c):
				return unicode.ToLower(c)
			}
			return -1
		}, title))
	}
	return names
}

func TestLinksResolve(t *testing.T) {
	all := pages(t)
	for page, text := range all {
		for _, target := range links(text) {
			if scheme.MatchString(target) {
				continue
			}
			path, anchor, _ := strings.Cut(target, "#")
			to := page
			if path != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(page), path))
			}
			if _, err := os.Stat(filepath.Join(root(t), to)); err != nil {
				t.Errorf("%s: %s leads to nothing", page, target)
				continue
			}
			if anchor != "" && !slices.Contains(anchors(all[to]), anchor) {
				t.Errorf("%s: %s has no heading #%s", page, to, anchor)
			}
		}
	}
}

// Whoever opens docs/README.md finds every page.
func TestEveryPageIsReached(t *testing.T) {
	all := pages(t)
	reached := map[string]bool{}
	for next := []string{"docs/README.md"}; len(next) > 0; {
		page := next[0]
		next = next[1:]
		if _, ok := all[page]; !ok || reached[page] {
			continue
		}
		reached[page] = true
		for _, target := range links(all[page]) {
			path, _, _ := strings.Cut(target, "#")
			if path != "" && !scheme.MatchString(path) {
				next = append(next, filepath.ToSlash(filepath.Join(filepath.Dir(page), path)))
			}
		}
	}
	for page := range all {
		if !reached[page] {
			t.Errorf("no link leads from docs/README.md to %s", page)
		}
	}
}
