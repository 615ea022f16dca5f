// Package manual makes of a command line's declaration what is installed beside the
// program: its manual page ([Page.Write]), and completion for bash, zsh and fish
// ([Completion]). Both programs use it.
package manual

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// Page is what a manual page says beside what the declaration does.
type Page struct {
	// Section of the manual: 1 for what everybody runs, 8 for what serves.
	Section int
	Version string
	// Description is paragraphs.
	Description []string
	// Files, Exits and Environment are rows of a name and what it is.
	Files, Exits, Environment [][2]string
	// Examples are lines.
	Examples []string
	// See are other pages, such as fettle(1).
	See []string
}

// Write writes the page in the man macros, for a program's declaration.
func (p Page) Write(w io.Writer, app *kingpin.ApplicationModel) error {
	r := &roff{}
	r.macro("TH", strings.ToUpper(app.Name), fmt.Sprint(p.Section), "", app.Name+" "+p.Version, "")
	r.macro("SH", "NAME")
	about, _, _ := strings.Cut(app.Help, "\n")
	r.text(app.Name + " - " + strings.TrimSuffix(about, "."))
	r.macro("SH", "SYNOPSIS")
	r.bold(app.Name)
	if len(app.Commands) > 0 {
		r.text("[FLAG ...] COMMAND [ARGUMENT ...]")
	} else {
		r.text("[FLAG ...]")
	}
	r.macro("SH", "DESCRIPTION")
	for i, text := range p.Description {
		if i > 0 {
			r.macro("PP")
		}
		r.text(text)
	}
	leaves := app.FlattenedCommands()
	if len(leaves) > 0 {
		r.macro("SH", "COMMANDS")
		for _, c := range leaves {
			if !c.Hidden {
				r.command(app.Name, c)
			}
		}
	}
	r.macro("SH", "OPTIONS")
	r.flags(app.Flags)
	r.rows("ENVIRONMENT", append(environment(app), p.Environment...))
	r.rows("FILES", p.Files)
	r.rows("EXIT STATUS", p.Exits)
	if len(p.Examples) > 0 {
		r.macro("SH", "EXAMPLES")
		r.verbatim(p.Examples)
	}
	if len(p.See) > 0 {
		r.macro("SH", "SEE ALSO")
		r.text(strings.Join(p.See, ", "))
	}
	_, err := w.Write(r.Bytes())
	return err
}

// environment are the variables that flags are read from.
func environment(app *kingpin.ApplicationModel) (rows [][2]string) {
	found := map[string]string{}
	note := func(flags []*kingpin.FlagModel) {
		for _, f := range flags {
			if f.Envar != "" && !f.Hidden {
				found[f.Envar] = "Instead of --" + f.Name + ": " + f.Help
			}
		}
	}
	note(app.Flags)
	for _, c := range app.FlattenedCommands() {
		note(c.Flags)
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		rows = append(rows, [2]string{name, found[name]})
	}
	return rows
}

// Examples are the lines of a command's help that are indented below "Example:".
func Examples(help string) (lines []string) {
	begun := false
	for line := range strings.Lines(help) {
		switch line = strings.TrimRight(line, "\n"); {
		case strings.HasPrefix(line, "Example"):
			begun = true
		case begun && strings.HasPrefix(line, "  "):
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

type roff struct{ bytes.Buffer }

func (r *roff) command(app string, c *kingpin.CmdModel) {
	r.macro("SS", app+" "+c.FullCommand+" "+arguments(c))
	r.text(c.Help)
	before, _, _ := strings.Cut(c.HelpLong, "Example")
	for paragraph := range strings.SplitSeq(strings.TrimSpace(before), "\n\n") {
		if paragraph != "" {
			r.macro("PP")
			r.text(strings.Join(strings.Fields(paragraph), " "))
		}
	}
	for _, a := range c.Args {
		if a.Hidden {
			continue
		}
		r.macro("TP")
		r.italic(a.Name)
		r.text(a.Help + more(a.Value, a.Default))
	}
	r.flags(c.Flags)
	if lines := Examples(c.HelpLong); len(lines) > 0 {
		r.macro("PP")
		r.text("Example:")
		r.verbatim(lines)
	}
}

// arguments are a command's, as it is written.
func arguments(c *kingpin.CmdModel) string {
	var words []string
	for _, a := range c.Args {
		word := strings.ToUpper(a.Name)
		if v, ok := a.Value.(interface{ IsCumulative() bool }); ok && v.IsCumulative() {
			word += " ..."
		}
		if !a.Required {
			word = "[" + word + "]"
		}
		if !a.Hidden {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

func (r *roff) flags(flags []*kingpin.FlagModel) {
	for _, f := range flags {
		if f.Hidden {
			continue
		}
		name := "--" + f.Name
		if f.Short != 0 {
			name = "-" + string(f.Short) + ", " + name
		}
		if !f.IsBoolFlag() {
			name += "=" + f.FormatPlaceHolder()
		}
		r.macro("TP")
		r.bold(name)
		help := f.Help
		if !strings.Contains(help, "One of") {
			help += more(f.Value, nil)
		}
		if f.Envar != "" {
			help += " (" + f.Envar + ")"
		}
		r.text(help)
	}
}

// more says which words are taken, and which holds where none is given.
func more(v kingpin.Value, def []string) string {
	s := ""
	if words := Words(v); len(words) > 0 {
		s = " One of " + strings.Join(words, ", ") + "."
	}
	if len(def) > 0 && def[0] != "" {
		s += " Default: " + strings.Join(def, ", ") + "."
	}
	return s
}

// Words are those that a value is one of; none: it takes others. kingpin does not
// tell them otherwise.
func Words(v kingpin.Value) (words []string) {
	at := reflect.Indirect(reflect.ValueOf(v))
	if at.Kind() != reflect.Struct {
		return nil
	}
	options := at.FieldByName("options")
	if !options.IsValid() || options.Kind() != reflect.Slice {
		return nil
	}
	for i := range options.Len() {
		words = append(words, options.Index(i).String())
	}
	return words
}

func (r *roff) rows(title string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	r.macro("SH", title)
	for _, row := range rows {
		r.macro("TP")
		r.bold(row[0])
		r.text(row[1])
	}
}

func (r *roff) verbatim(lines []string) {
	r.macro("PP")
	r.macro("nf")
	r.macro("RS", "4")
	for _, line := range lines {
		r.text(line)
	}
	r.macro("RE")
	r.macro("fi")
}

func (r *roff) macro(name string, args ...string) {
	r.WriteString("." + name)
	for _, a := range args {
		r.WriteString(` "` + strings.ReplaceAll(escaped(strings.TrimSpace(a)), `"`, `\(dq`) + `"`)
	}
	r.WriteByte('\n')
}

func (r *roff) bold(s string)   { r.WriteString(`\fB` + escaped(s) + "\\fR\n") }
func (r *roff) italic(s string) { r.WriteString(`\fI` + escaped(s) + "\\fR\n") }

// text writes one line. A control character at its beginning is text.
func (r *roff) text(s string) {
	s = escaped(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	r.WriteString(s + "\n")
}

// escaped makes text safe for roff: its own signs, and letters that not every man
// knows.
func escaped(s string) string {
	return strings.NewReplacer(`\`, `\(rs`, "-", `\-`, "`", `\(ga`, "'", `\(aq`, "^", `\(ha`, "~", `\(ti`,
		"…", "...", "→", "->", "×", "x", "≥", ">=", "≤", "<=", "–", "-", "\n", " ").Replace(s)
}
