package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
)

// versionCommand prints which fettle this is.
type versionCommand struct{ output output }

func registerVersion(app *kingpin.Application) map[string]command {
	c := &versionCommand{}
	clause := app.Command("version", "Print which fettle this is.").
		HelpLong("Example:\n  fettle version --output=json")
	c.output.flag(clause)
	return map[string]command{"version": c}
}

func (c *versionCommand) run(context.Context, *slog.Logger) error {
	if c.output.json() {
		return printJSON(map[string]string{
			"version": version.Version, "revision": version.GetRevision(), "branch": version.Branch,
			"go_version": version.GoVersion, "platform": version.GoOS + "/" + version.GoArch,
		})
	}
	_, err := fmt.Fprintln(os.Stdout, version.Print("fettle"))
	return err
}
