package main

import (
	"fmt"
	"os"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/fettle-io/fettle/internal/story"
)

// output is the choice between text for people and JSON for programs, and where a
// command has more forms, those.
type output struct{ form string }

// flags is flag with more forms.
func (o *output) flags(clause *kingpin.CmdClause, help string, more ...string) {
	clause.Flag("output", "text for people, json for programs, or "+help+".").Short('o').Default("text").EnumVar(&o.form, append([]string{"text", "json"}, more...)...)
}

func (o *output) flag(clause *kingpin.CmdClause) {
	clause.Flag("output", "text for people, or json for programs.").Short('o').Default("text").EnumVar(&o.form, "text", "json")
}

func (o *output) json() bool { return o.form == "json" }

// printJSON prints one indented JSON value. Control characters are escaped in it,
// those that JSON itself lets pass too.
func printJSON(v any) error {
	b, err := json.Marshal(v, jsontext.WithIndent("  "), json.Deterministic(true), jsontext.EscapeForJS(true))
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(append(story.EscapeJSON(b), '\n'))
	return err
}

// say prints one line, with what is put into it cleaned.
func say(format string, args ...any) error {
	_, err := fmt.Fprintln(os.Stdout, story.Clean(fmt.Sprintf(format, args...)))
	return err
}

// clock is a time of day for people.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// plural is a count with its noun.
func plural[N int | uint64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
