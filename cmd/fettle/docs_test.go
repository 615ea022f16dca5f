package main

import (
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"
)

// docs/cli.md has a section for each command, and each command can be run.
func TestEveryCommandIsDocumented(t *testing.T) {
	content, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	app := kingpin.New("fettle", "")
	commands := register(app, groups())
	for _, c := range app.Model().FlattenedCommands() {
		if c.Hidden {
			continue
		}
		if commands[c.FullCommand] == nil {
			t.Errorf("nothing runs %s", c.FullCommand)
		}
		if !strings.Contains(string(content), "\n## fettle "+c.FullCommand+"\n") && !strings.Contains(string(content), "\n### fettle "+c.FullCommand+"\n") {
			t.Errorf("docs/cli.md has no section fettle %s", c.FullCommand)
		}
	}
}
