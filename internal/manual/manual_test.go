package manual_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/internal/manual"
)

func declared() *kingpin.Application {
	app := kingpin.New("thing", "Does things.")
	c := app.Command("do", "Do 'it'.").HelpLong(".As said.\n\nExample:\n  thing do --how=well\n  thing do x")
	c.Arg("what", "What to do.").Strings()
	c.Flag("how", "How.").Envar("THING_HOW").Short('o').Enum("well", "so-so")
	c.Flag("hidden", "Not told.").Hidden().Bool()
	return app
}

func TestPage(t *testing.T) {
	var b bytes.Buffer
	p := manual.Page{
		Section: 1, Version: "1.0", Description: []string{"One.", ".Two with a \\ and … signs."},
		Files: [][2]string{{"/etc/thing", "Its file."}}, Exits: [][2]string{{"0", "Well."}}, Examples: []string{"thing do"}, See: []string{"man(1)"},
	}
	if err := p.Write(&b, declared().Model()); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	for _, want := range []string{
		".TH \"THING\" \"1\" \"\" \"thing 1.0\" \"\"\n", "\nthing \\- Does things\n", ".SS \"thing do [WHAT ...]\"\nDo \\(aqit\\(aq.\n",
		"\n\\&.As said.\n", "\n\\&.Two with a \\(rs and ... signs.\n", "\\fB\\-o, \\-\\-how=HOW\\fR\nHow. One of well, so\\-so. (THING_HOW)\n",
		".SH \"ENVIRONMENT\"\n.TP\n\\fBTHING_HOW\\fR\n", "thing do \\-\\-how=well\nthing do x\n.RE\n", ".SH \"SEE ALSO\"\nman(1)\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "hidden") {
		t.Errorf("a hidden flag is told:\n%s", got)
	}
}

func TestExamples(t *testing.T) {
	if got := manual.Examples("text\n  not this\n\nExamples:\n  a b\n  c\nend"); !slices.Equal(got, []string{"a b", "c"}) {
		t.Errorf("got %q", got)
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range manual.Shells() {
		script, ok := manual.Completion(shell, "thing")
		if !ok || strings.Contains(script, "PROGRAM") || !strings.Contains(script, "--completion-bash") || strings.Contains(script, "eval") {
			t.Errorf("%s: %v\n%s", shell, ok, script)
		}
	}
	if _, ok := manual.Completion("csh", "thing"); ok {
		t.Error("csh is known")
	}
}
