package main

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/docs"
	"github.com/fettle-io/fettle/exporter"
	"github.com/fettle-io/fettle/internal/pages"
	"github.com/fettle-io/fettle/playbooks"
	"github.com/fettle-io/fettle/repair/action"
	"github.com/fettle-io/fettle/repair/guard"
	"github.com/fettle-io/fettle/rules"
)

// `fettle docs` has the page of everything that has a name.
func TestEverythingHasAPage(t *testing.T) {
	library, err := pages.All(docs.Files())
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	want := func(kind, name string) {
		seen++
		if found, err := library.Find(kind + "/" + name); err != nil || len(found) != 1 {
			t.Errorf("%s %s: %d pages, %v", kind, name, len(found), err)
		}
	}
	files, err := rules.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := fs.ReadFile(rules.FS(), file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(string(b), -1) {
			want("alert", m[1])
		}
	}
	for name := range action.Table(action.Deps{}) {
		want("action", name)
	}
	for _, g := range guard.Table(guard.Options{}) {
		want("guard", g.Name)
	}
	books, err := playbooks.All()
	if err != nil {
		t.Fatal(err)
	}
	for file := range books {
		want("playbook", strings.TrimSuffix(file, ".yml"))
	}
	for _, c := range exporter.Collectors() {
		want("collector", c.Name)
	}
	app := kingpin.New("fettle", "")
	register(app, groups())
	for _, c := range app.Model().FlattenedCommands() {
		if !c.Hidden {
			want("command", c.FullCommand)
		}
	}
	if seen < 80 {
		t.Errorf("only %d names", seen)
	}
}
