// Command fettle is the remediator and its command line.
//
// Here the command line is parsed and a command chosen. Each command has a file
// of its own: one that asks a running server does so through the connection in
// connection.go, and what it prints goes through output.go.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/promslog"
	promslogflag "github.com/prometheus/common/promslog/flag"
	"github.com/prometheus/common/version"

	"github.com/fettle-io/fettle/internal/demo"
	"github.com/fettle-io/fettle/internal/story"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // a problem was found, or an operation refused
	exitUsage  = 2
)

// A command does what its flags, which its registration declared, say.
type command interface {
	run(ctx context.Context, log *slog.Logger) error
}

// A registration declares commands and returns them by their full names.
type registration func(app *kingpin.Application) map[string]command

// group is commands that stand together in the help.
type group struct {
	title string
	of    []registration
}

// groups is the table of commands, in the order of the help.
func groups() []group {
	return []group{
		{"Run it", []registration{registerInit, registerServe, registerCheck, registerDemo, registerVersion}},
		{"See what happens, and why", []registration{registerStatus, registerEpisodes, registerRuns, registerExplain, registerPlan, registerReplay, registerPlaybooks, registerGuards, registerRules, registerDocs}},
		{"Step in", []registration{registerPause, registerUnpause, registerApprove, registerAck, registerReload, registerRelease, registerClose, registerUndo}},
		{"Read and verify the journal", []registration{registerJournal}},
		{"Install", []registration{registerCompletion, registerMan}},
	}
}

// errReported ends a command that has said itself what is wrong.
var errReported = errors.New("reported")

// usageError is one of the command line that the parser cannot find.
type usageError struct{ error }

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if code, was := demo.Hidden(args, os.Stdout, os.Stderr); was {
		return code
	}
	app := kingpin.New("fettle", "Detects faults, repairs them and proves that it did, or says exactly why it did not dare.")
	app.Version(version.Print("fettle"))
	app.HelpFlag.Short('h')
	app.UsageWriter(os.Stdout)
	logging := &promslog.Config{}
	promslogflag.AddFlags(app, logging)
	commands := register(app, groups())

	name, err := app.Parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "fettle: %s, try --help\n", story.Clean(err.Error()))
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	return code(commands[name].run(ctx, promslog.New(logging)))
}

// code tells what went wrong, and what the process exits with.
func code(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		fmt.Fprintf(os.Stderr, "fettle: %s, try --help\n", story.Clean(err.Error()))
		return exitUsage
	case !errors.Is(err, errReported):
		for i, line := range strings.Split(err.Error(), "\n") {
			if i == 0 {
				line = "fettle: " + line
			}
			fmt.Fprintln(os.Stderr, story.Clean(line))
		}
	}
	return exitFailed
}
