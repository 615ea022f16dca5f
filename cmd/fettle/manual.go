package main

import (
	"context"
	"log/slog"
	"os"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"

	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/internal/manual"
)

// manCommand prints the manual page.
type manCommand struct{ app *kingpin.Application }

func registerMan(app *kingpin.Application) map[string]command {
	app.Command("man", "Print the manual page, for man.").
		HelpLong("Example:\n  fettle man > /usr/local/share/man/man1/fettle.1")
	return map[string]command{"man": &manCommand{app}}
}

func (c *manCommand) run(context.Context, *slog.Logger) error {
	page := manual.Page{
		Section: 1, Version: version.Version,
		Description: []string{
			"fettle takes Alertmanager's notifications, looks at what they point at, and repairs it by idempotent playbooks. What it does, and what it did not dare and why, stands in a journal that can be verified.",
			"Until it is allowed more, it observes: it writes down what it would have done. fettle serve is the program that does all this; the other commands ask it, hold it still, or read its journal.",
			"Each command that reads prints text for people, or JSON with --output=json. Commands that ask a running server reach it over its unix socket, or with --server=URL and --token-file=FILE.",
		},
		Environment: [][2]string{{"NO_COLOR", "Set to anything: no colours on a terminal either."}},
		Files: [][2]string{
			{config.DefaultFile, "The configuration. Without it the defaults hold, which change nothing."},
			{config.DefaultPlaybookDir, "Playbooks of one's own."},
			{config.DefaultJournalDir, "The journal."},
			{config.DefaultKeyFile, "The key that signs it, mode 0600."},
			{config.DefaultSocket, "The socket of the command line, mode 0600."},
			{config.DefaultBrake, "While this file is there, nothing is begun."},
		},
		Exits: [][2]string{
			{"0", "It went well."},
			{"1", "A problem was found, or an operation was refused: standard error says what, where, and what to do."},
			{"2", "The command line itself is wrong."},
		},
		Examples: []string{"fettle check", "fettle status", "fettle explain main/etcd2", "fettle pause --reason=\"moving disks\"", "fettle docs FettleRaftMemberDown"},
		See:      []string{"fettle_exporter(8)", "prometheus(1)"},
	}
	return page.Write(os.Stdout, c.app.Model())
}

// completionCommand prints a completion script.
type completionCommand struct{ shell string }

func registerCompletion(app *kingpin.Application) map[string]command {
	c := &completionCommand{}
	clause := app.Command("completion", "Print a script that completes fettle's command line in a shell.").
		HelpLong("Ids of episodes and runs, and targets, are asked of the running server, if it answers within\nhalf a second.\n\nExample:\n  fettle completion bash > /etc/bash_completion.d/fettle")
	clause.Arg("shell", "Which shell.").Required().EnumVar(&c.shell, manual.Shells()...)
	return map[string]command{"completion": c}
}

func (c *completionCommand) run(context.Context, *slog.Logger) error {
	script, _ := manual.Completion(c.shell, "fettle")
	_, err := os.Stdout.WriteString(script)
	return err
}

// examples are the lines of a command's help that show how it is used.
func examples(c *kingpin.CmdModel) (lines []string) {
	for _, line := range manual.Examples(c.HelpLong) {
		line = strings.TrimPrefix(line, "sudo -u fettle ")
		if strings.HasPrefix(line, "fettle ") {
			lines = append(lines, line)
		}
	}
	return lines
}
