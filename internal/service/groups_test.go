package service

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"
)

func newGroups(t *testing.T) *Groups {
	g := NewGroups()
	t.Cleanup(g.Close)
	return g
}

func groupCommand(name string, args ...string) Command {
	return Command{Name: name, Argv: argv(args...), Timeout: time.Minute}
}

// execution waits until a command is in a state.
func (g *Groups) execution(t *testing.T, name string, want ExecutionState) Execution {
	t.Helper()
	var e Execution
	await(t, name+" is "+string(want), func() bool {
		var err error
		e, err = g.Execution(t.Context(), name)
		check(err)
		return e.State == want
	})
	return e
}

func TestGroups(t *testing.T) {
	g := newGroups(t)
	for name, tc := range map[string]struct {
		change func(*Command)
		exit   int
		says   string
	}{
		"fettle-well":    {func(c *Command) { c.Argv = argv("exit", "0") }, 0, "exit status 0"},
		"fettle-badly":   {func(c *Command) { c.Argv = argv("exit", "3") }, 3, "exit status 3"},
		"fettle-timeout": {func(c *Command) { c.Argv, c.Timeout = argv("wait"), 100*time.Millisecond }, -1, "killed at its timeout of 100ms"},
	} {
		c := groupCommand(name)
		tc.change(&c)
		check(g.Start(t.Context(), c))
		if err := g.Start(t.Context(), c); !errors.Is(err, ErrExists) {
			t.Errorf("%s: a second time: %v", name, err)
		}
		e := g.execution(t, name, Ended)
		if e.Exit != tc.exit || e.Says != tc.says || e.Well() != (tc.exit == 0) {
			t.Errorf("%s: %+v", name, e)
		}
		if out := "standard error:\ntoken=hunter2 err\nstandard output:\nout\n"; tc.exit >= 0 && string(e.Output) != out {
			t.Errorf("%s: output %q", name, e.Output)
		}
	}
	for name, c := range map[string]Command{
		"no name":     groupCommand(""),
		"a path":      groupCommand("fettle-a/../b", "exit", "0"),
		"no program":  {Name: "fettle-x", Timeout: time.Second},
		"no time":     {Name: "fettle-x", Argv: argv("exit", "0")},
		"nobody":      {Name: "fettle-x", Argv: argv("exit", "0"), Timeout: time.Second, User: "nobody-here"},
		"not a thing": {Name: "fettle-x", Argv: []string{"/nothing/here"}, Timeout: time.Second},
	} {
		if err := g.Start(t.Context(), c); err == nil {
			t.Errorf("%s: it was begun", name)
		}
	}
	if err := g.Start(t.Context(), Command{Name: "fettle-x", Argv: []string{"/nothing/here"}, Timeout: time.Second}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such program: %v", err)
	}
	out, e, err := g.Look(t.Context(), groupCommand("", "exit", "1"))
	if err != nil || string(out) != "out" || e.Exit != 1 {
		t.Errorf("a look: %q, %+v, %v", out, e, err)
	}
}

func TestGroupsEnvironment(t *testing.T) {
	t.Setenv("FETTLE_SECRET", "x")
	c := groupCommand("", "env")
	c.Env = map[string]string{"WHO": "w1; reboot", "B": ""}
	out, _, err := newGroups(t).Look(t.Context(), c)
	check(err)
	for line := range strings.Lines(string(out)) {
		switch name, v, _ := strings.Cut(strings.TrimSpace(line), "="); {
		case name == "PATH" || name == "LANG" || name == "HOME":
		case name == "WHO" && v == "w1; reboot", name == "B" && v == "":
		default:
			t.Errorf("environment has %q", line)
		}
	}
}

func TestGroupsForget(t *testing.T) {
	g := newGroups(t)
	for i := range maxKnown {
		g.known[string(rune('a'+i))] = &Execution{State: Ended}
		g.order = append(g.order, string(rune('a'+i)))
	}
	g.known["a"].State = Running
	check(g.Start(t.Context(), groupCommand("fettle-one-more", "exit", "0")))
	if _, ok := g.known["b"]; ok || g.known["a"] == nil || len(g.known) != maxKnown || len(g.order) != maxKnown {
		t.Errorf("%d known, %d in order", len(g.known), len(g.order))
	}
}
