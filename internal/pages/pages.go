// Package pages finds a page of the documentation by the name of what it is about
// (an alert, an action, a guard, a playbook, a collector, a command), and shows it:
// as Markdown, plainly for a terminal, or as HTML.
//
// Start at [All] and [Library.Find]. The Markdown that it reads is what the pages are
// written in, not all that there is: headings, paragraphs, lists, tables, code,
// quotes, links and emphasis.
package pages

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/fettle-io/fettle/internal/strictyaml"
)

// Page is one page, or one section of docs/cli.md.
type Page struct {
	// Name is what it is found by: FettleDown, quorum, member-start, raft, "journal verify".
	Name string
	// Kind is alert, action, guard, playbook, collector, driver, command, how-to or topic.
	Kind string
	// Path is below docs, without the suffix; a command's has its section's anchor.
	Path string
	// Title is its heading up to a colon, by which it is found too.
	Title string
	// Summary is its first paragraph, as text without markup.
	Summary string
	// Text is Markdown. Its links are relative to Path.
	Text string
}

// Library is all pages, sorted by kind and name.
type Library struct{ Pages []Page }

// kinds are the folders whose pages are about one thing each, in the order of a list.
func kinds() []struct{ folder, kind string } {
	return []struct{ folder, kind string }{
		{"alerts", "alert"}, {"playbooks", "playbook"}, {"actions", "action"}, {"guards", "guard"},
		{"collectors", "collector"}, {"drivers", "driver"}, {"how-to", "how-to"},
	}
}

// Kinds are the kinds of pages, in the order of a list.
func Kinds() []string {
	var all []string
	for _, k := range kinds() {
		all = append(all, k.kind)
	}
	return append(all, "command", "topic")
}

// All reads the pages of a tree as it stands below docs.
func All(tree fs.FS) (Library, error) {
	var l Library
	err := fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || path.Ext(name) != ".md" {
			return err
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		l.add(strings.TrimSuffix(name, ".md"), string(text))
		return nil
	})
	if err != nil {
		return l, fmt.Errorf("the pages: %w", err)
	}
	order := Kinds()
	slices.SortFunc(l.Pages, func(a, b Page) int {
		if a.Kind != b.Kind {
			return slices.Index(order, a.Kind) - slices.Index(order, b.Kind)
		}
		return strings.Compare(a.Name, b.Name)
	})
	return l, nil
}

func (l *Library) add(at, text string) {
	folder, base := path.Split(at)
	p := Page{Name: base, Kind: "topic", Path: at, Title: title(text), Summary: summary(text), Text: text}
	for _, k := range kinds() {
		if strings.TrimSuffix(folder, "/") == k.folder {
			p.Kind = k.kind
		}
	}
	if p.Kind == "alert" && p.Title != base { // beside the alerts, about what is none
		p.Kind = "topic"
	}
	if base == "README" {
		p.Kind, p.Name = "topic", strings.TrimSuffix(folder, "/")
		if p.Name == "" {
			p.Name = "contents"
		}
	}
	l.Pages = append(l.Pages, p)
	if at == "cli" {
		l.commands(text)
	}
}

// commands are the sections of the page of the command line.
func (l *Library) commands(text string) {
	for i, part := range strings.Split("\n"+text, "\n## ") {
		if i == 0 {
			continue
		}
		for _, section := range strings.Split("## "+part, "\n### ") {
			title, body, _ := strings.Cut(strings.TrimLeft(section, "# "), "\n")
			name, ok := strings.CutPrefix(title, "fettle ")
			if !ok {
				continue
			}
			l.Pages = append(l.Pages, Page{
				Name: name, Kind: "command", Path: "cli#" + anchor(title), Summary: summary(body),
				Text: "# " + title + "\n" + body,
			})
		}
	}
}

// ErrNotFound says that there is no such page.
var ErrNotFound = errors.New("there is no page")

// Find returns the pages of a name: mostly one, but an action and a playbook may have
// the same. A kind before it, as in guard/quorum, names one of them.
func (l Library) Find(name string) ([]Page, error) {
	var found []Page
	for _, p := range l.Pages {
		if strings.EqualFold(name, p.Name) || strings.EqualFold(name, p.Title) && p.Title != "" || strings.EqualFold(name, p.Kind+"/"+p.Name) || name == p.Path || p.Kind == "command" && strings.EqualFold(name, "fettle "+p.Name) {
			found = append(found, p)
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	var names []string
	for _, p := range l.Pages {
		names = append(names, p.Name, p.Title)
	}
	if near := strictyaml.Suggest(name, names); near != "" {
		return nil, fmt.Errorf("%w %q: did you mean %q?", ErrNotFound, name, near)
	}
	return nil, fmt.Errorf("%w %q: `fettle docs` lists them", ErrNotFound, name)
}

// At returns the page that has a path below docs.
func (l Library) At(at string) (Page, bool) {
	for _, p := range l.Pages {
		if p.Path == at {
			return p, true
		}
	}
	return Page{}, false
}
