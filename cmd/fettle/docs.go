package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/docs"
	"github.com/fettle-io/fettle/internal/pages"
)

// docsCommand prints pages of the documentation, which is in the program.
type docsCommand struct {
	name []string
	kind string
	form string
}

func registerDocs(app *kingpin.Application) map[string]command {
	c := &docsCommand{}
	clause := app.Command("docs", "Print the page of an alert, action, guard, playbook, collector or command; without a name, list them.").
		HelpLong("The pages are in the program: no network and no server is needed. Where two have one name,\nboth are printed; KIND/NAME names one of them.\n\nExample:\n  fettle docs FettleRaftMemberDown\n  fettle docs guard/quorum --output=markdown")
	clause.Arg("name", "What the page is about.").StringsVar(&c.name)
	clause.Flag("kind", "Only pages of this kind.").EnumVar(&c.kind, pages.Kinds()...)
	clause.Flag("output", "text for people, markdown, or json for programs.").Short('o').Default("text").EnumVar(&c.form, "text", "markdown", "json")
	return map[string]command{"docs": c}
}

// printedPage is a page as programs read it.
type printedPage struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Path    string `json:"path"`
	Summary string `json:"summary"`
	Text    string `json:"text,omitempty"`
}

func (c *docsCommand) run(context.Context, *slog.Logger) error {
	library, err := pages.All(docs.Files())
	if err != nil {
		return err
	}
	found := library.Pages
	name := strings.Join(c.name, " ")
	if name != "" {
		if found, err = library.Find(name); err != nil {
			return err
		}
	}
	if c.kind != "" {
		found = slices.DeleteFunc(slices.Clone(found), func(p pages.Page) bool { return p.Kind != c.kind })
		if len(found) == 0 && name != "" {
			return fmt.Errorf("%s %q has no page: `fettle docs --kind=%s` lists those that have", c.kind, name, c.kind)
		}
	}
	switch {
	case c.form == "json":
		return c.printJSON(found, name != "")
	case name == "":
		return c.list(found)
	}
	return c.show(found)
}

func (c *docsCommand) printJSON(found []pages.Page, whole bool) error {
	out := make([]printedPage, len(found))
	for i, p := range found {
		out[i] = printedPage{Name: p.Name, Kind: p.Kind, Path: p.Path, Summary: p.Summary}
		if whole {
			out[i].Text = p.Text
		}
	}
	return printJSON(map[string]any{"pages": out})
}

func (c *docsCommand) list(found []pages.Page) error {
	rows := make([][]string, len(found))
	for i, p := range found {
		rows[i] = []string{p.Kind, p.Name, p.Summary}
	}
	return table([]string{"KIND", "NAME", "ABOUT"}, rows)
}

func (c *docsCommand) show(found []pages.Page) error {
	s := newScreen()
	for i, p := range found {
		if i > 0 {
			fmt.Println()
		}
		var err error
		if c.form == "markdown" {
			_, err = os.Stdout.WriteString(p.Text)
		} else {
			err = pages.Terminal(os.Stdout, p.Text, pages.Look{Width: min(s.width, 100), Bold: s.colour})
		}
		if err != nil {
			return err
		}
	}
	return nil
}
