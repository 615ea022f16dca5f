package main

import (
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"
)

// Every command's help has an example, which is a command line that is taken.
func TestEveryCommandHasAnExample(t *testing.T) {
	app := kingpin.New("fettle", "")
	register(app, groups())
	for _, c := range app.Model().FlattenedCommands() {
		lines := examples(c)
		if len(lines) == 0 {
			t.Errorf("fettle %s has no line that begins with fettle below Example", c.FullCommand)
		}
		for _, line := range lines {
			again := kingpin.New("fettle", "")
			register(again, groups())
			got, err := again.Parse(argv(line)[1:])
			if err != nil || got != c.FullCommand {
				t.Errorf("%s: is %q (%v), want %q", line, got, err, c.FullCommand)
			}
		}
	}
}

// argv splits a line as a shell would that knows quotes, and leaves out where the
// output goes.
func argv(line string) (args []string) {
	word, quote, begun := "", rune(0), false
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word += string(r)
		case r == '"' || r == '\'':
			quote, begun = r, true
		case r == '>' || r == '|' || r == '#':
			return args
		case r == ' ':
			if begun {
				args = append(args, word)
			}
			word, begun = "", false
		default:
			word, begun = word+string(r), true
		}
	}
	if begun {
		args = append(args, word)
	}
	return args
}

func TestArgv(t *testing.T) {
	got := strings.Join(argv(`fettle pause --reason="moving disks" 'a b' x > file`), "|")
	if want := "fettle|pause|--reason=moving disks|a b|x"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What a shell is told never holds more than plain words.
func TestHintsArePlain(t *testing.T) {
	got := plainWords([]string{"demo/m2", "", "0199a000-0000", "$(reboot)", "a b", "`x`", "-rf", "../x", "demo/m2", "a;b", "x\n"})
	if strings.Join(got, " ") != "demo/m2 0199a000-0000" {
		t.Errorf("got %q", got)
	}
}
