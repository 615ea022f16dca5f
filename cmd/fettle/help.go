package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// register declares the commands of all groups, and the help that shows them so.
func register(app *kingpin.Application, groups []group) map[string]command {
	commands := map[string]command{}
	titles := map[string]string{} // of top-level commands
	for _, g := range groups {
		for _, declare := range g.of {
			maps.Copy(commands, declare(app))
			for _, c := range app.Model().Commands {
				if titles[c.Name] == "" {
					titles[c.Name] = g.title
				}
			}
		}
	}
	hints(app)
	app.HelpFlag.Help("Show help; with a command, that command's.")
	app.UsageFuncs(map[string]any{"Rows": rows, "Grouped": func(all []*kingpin.CmdModel) (shown []helpGroup) {
		for _, g := range groups {
			of := slices.DeleteFunc(slices.Clone(all), func(c *kingpin.CmdModel) bool { return titles[c.Name] != g.title })
			if h := (helpGroup{g.title, rows(of)}); len(h.Rows) > 0 {
				shown = append(shown, h)
			}
		}
		return shown
	}})
	app.UsageTemplate(usage)
	return commands
}

// rows are commands with the first line of their help.
func rows(of []*kingpin.CmdModel) (rows [][2]string) {
	for _, c := range of {
		if !c.Hidden {
			help, _, _ := strings.Cut(c.Help, "\n")
			rows = append(rows, [2]string{c.Name, help})
		}
	}
	return rows
}

// helpGroup is one group of commands as the help shows it.
type helpGroup struct {
	Title string
	Rows  [][2]string // name and help
}

// usage is the help: of the program with its commands in groups, or of one
// command with its example.
const usage = `{{define "Signature" -}}
{{if .FlagSummary}} {{.FlagSummary}}{{end -}}
{{range .Args}}{{if not .Hidden}} {{if not .Required}}[{{end}}<{{.Name}}>{{if .Value|IsCumulative}}...{{end}}{{if not .Required}}]{{end}}{{end}}{{end -}}
{{if .Commands}} <command> [<args> ...]{{end}}
{{end -}}

{{if .Context.SelectedCommand -}}
usage: {{.App.Name}} {{.Context.SelectedCommand}}{{template "Signature" .Context.SelectedCommand}}
{{.Context.SelectedCommand.Help|Wrap 0 -}}
{{if .Context.SelectedCommand.HelpLong}}
{{.Context.SelectedCommand.HelpLong}}
{{end -}}
{{else -}}
usage: {{.App.Name}}{{template "Signature" .App}}
{{.App.Help|Wrap 0 -}}
{{end}}
{{if .Context.Args -}}
Args:
{{.Context.Args|ArgsToTwoColumns|FormatTwoColumns}}
{{end -}}
{{if .Context.SelectedCommand -}}
{{if .Context.SelectedCommand.Commands -}}
Commands:
{{.Context.SelectedCommand.Commands|Rows|FormatTwoColumns}}
{{end -}}
Flags:
{{.Context.Flags|FlagsToTwoColumns|FormatTwoColumns -}}
{{else -}}
{{range Grouped .App.Commands}}{{.Title}}:
{{.Rows|FormatTwoColumns}}
{{end -}}
Flags:
{{.Context.Flags|FlagsToTwoColumns|FormatTwoColumns}}
"fettle help COMMAND" says more, with an example. fettle serve is reached over its
unix socket, or with --server=URL and --token-file=FILE.
{{end -}}
`
