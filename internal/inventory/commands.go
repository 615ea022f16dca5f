package inventory

import (
	"path"
	"slices"
	"strings"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// Identity is what stands in a kill command for the process to end.
const Identity = "{identity}"

var shellCommand = lazily(`^(-[a-zA-Z]*c[a-zA-Z]*|--command(=.*)?)$`)

// commands checks the declared commands of ENGINE.md rule 25.
func (c check) commands(cs cluster.Commands) {
	all := []struct {
		name string
		argv []string
	}{{"status", cs.Status}, {"start", cs.Start}, {"stop", cs.Stop}, {"kill", cs.Kill}, {"restart", cs.Restart}}
	for _, cmd := range all {
		if cmd.argv != nil {
			c.command(cmd.name, cmd.argv)
		}
		if cmd.argv != nil && cs.Status == nil {
			c.errorf("commands", "%s is declared without status: what cannot be looked at is not acted on, declare status too", cmd.name)
		}
	}
}

func (c check) command(name string, argv []string) {
	at := c.at.Join("commands", name)
	if len(argv) == 0 || argv[0] == "" {
		c.doc.Errorf(at, "%s is empty: write the program and its arguments as a list", name)
		return
	}
	switch program := argv[0]; {
	case strings.ContainsAny(program, " \t"):
		c.doc.Errorf(at.Join(0), "%s is not one program: write each argument as an element of its own, no shell splits them", strictyaml.Clip(program))
	case strings.Contains(program, "/"):
		if problem := PathProblem(program); problem != "" {
			c.doc.Errorf(at.Join(0), "%s %s", strictyaml.Clip(program), problem)
		}
	case c.LookPath != nil:
		if _, err := c.LookPath(program); err != nil {
			c.doc.Errorf(at.Join(0), "%s is not in PATH: write its whole path", strictyaml.Clip(program))
		}
	}
	if i := slices.IndexFunc(argv, isShell); i >= 0 && slices.ContainsFunc(argv[i+1:], shellCommand.MatchString) {
		c.doc.Errorf(at, "%s runs a shell over a text: write the program and its arguments as a list, or put the script into a file", name)
	}
	ended := false
	for i, arg := range argv {
		switch {
		case strings.ContainsAny(arg, "\x00\n\r"):
			c.doc.Errorf(at.Join(i), "%s has a line end or NUL in it", strictyaml.Clip(arg))
		case !strings.Contains(arg, Identity):
		case name != "kill":
			c.doc.Errorf(at.Join(i), "%s stands only in kill: %s acts on no one process", Identity, name)
		case arg != Identity || i == 0:
			c.doc.Errorf(at.Join(i), "%s must be an argument of its own", Identity)
		default:
			ended = true
		}
	}
	if name == "kill" && !ended {
		c.doc.Errorf(at, "kill does not say which process it ends: give it the argument \"%s\", so that it never ends the wrong one", Identity)
	}
}

func isShell(arg string) bool {
	switch path.Base(arg) {
	case "sh", "ash", "bash", "csh", "dash", "fish", "ksh", "mksh", "pwsh", "rbash", "tcsh", "zsh":
		return true
	}
	return false
}
