//go:build servers && linux

package service

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/systemdtest"
)

// deck is a real systemd, and an Executor over it.
type deck struct {
	*testing.T
	host  *systemdtest.Host
	units *Transient
	next  int
}

func newDeck(t *testing.T) *deck {
	host := systemdtest.Start(t, map[string]string{"none.service": "[Service]\nExecStart=/bin/true\n"}, map[string]string{"probe": os.Args[0]})
	return &deck{T: t, host: host, units: connected(t, host)}
}

func connected(t *testing.T, host *systemdtest.Host) *Transient {
	manager := NewSystemd(SystemdOptions{Address: host.Address})
	t.Cleanup(manager.Close)
	units := NewTransient(manager)
	t.Cleanup(units.Close)
	return units
}

func (d *deck) command(args ...string) Command {
	d.next++
	return Command{
		Name: fmt.Sprintf("fettle-018f6a00-0000-7000-8000-000000000000-%d-1", d.next),
		Argv: append([]string{systemdtest.Programs + "/probe", command}, args...), Timeout: time.Minute,
	}
}

// inside is a path of the host's root as this process sees it.
func (d *deck) inside(path string) string { return fmt.Sprintf("/proc/%d/root%s", d.host.PID, path) }

func (d *deck) until(units *Transient, name string, want ExecutionState) Execution {
	d.Helper()
	var e Execution
	await(d.T, name+" is "+string(want), func() bool {
		var err error
		if e, err = units.Execution(d.Context(), name); err != nil {
			d.Fatal(err)
		}
		return e.State == want
	})
	return e
}

// alive are the processes inside whose command line has a text.
func (d *deck) alive(text string) (pids []string) {
	entries, err := os.ReadDir(d.inside("/proc"))
	if err != nil {
		d.Fatal(err)
	}
	for _, e := range entries {
		line, err := os.ReadFile(d.inside("/proc/" + e.Name() + "/cmdline"))
		if err == nil && strings.Contains(strings.ReplaceAll(string(line), "\x00", " "), text) {
			pids = append(pids, e.Name())
		}
	}
	return pids
}

func TestTransient(t *testing.T) {
	d := newDeck(t)
	t.Run("how it ended", d.endings)
	t.Run("a second one of that name", d.twice)
	t.Run("found by the next process", d.survives)
	t.Run("no orphans", d.orphans)
	t.Run("what it may do", d.sandbox)
	t.Run("a look", d.looks)
	t.Run("what arrives", d.literal)
}

func (d *deck) endings(t *testing.T) {
	for _, tc := range []struct {
		command Command
		exit    int
		says    string
	}{
		{d.command("exit", "0"), 0, "exit status 0"},
		{d.command("exit", "3"), 3, "exit status 3"},
		{Command{Argv: []string{"/nothing/here"}}, 203, "exit status 203: systemd could not execute the program"},
		{Command{Argv: []string{"/bin/true"}, User: "nobody-here"}, 217, "exit status 217: systemd could not become its user"},
		{Command{Argv: []string{"/bin/true"}, Writable: []string{"/nothing/here"}}, 226, "exit status 226: systemd could not make its sandbox: is every writable path there?"},
		{Command{Argv: []string{"/bin/sleep", "60"}, Timeout: 200 * time.Millisecond}, -1, "killed at its timeout of 200ms"},
	} {
		c := tc.command
		if c.Name == "" {
			c.Name = d.command().Name
		}
		if c.Timeout == 0 {
			c.Timeout = time.Minute
		}
		if err := d.units.Start(t.Context(), c); err != nil {
			t.Errorf("%v: %v", c.Argv, err)
			continue
		}
		e := d.until(d.units, c.Name, Ended)
		if e.Exit != tc.exit || e.Says != tc.says {
			t.Errorf("%v: %d, %q, want %d, %q", c.Argv, e.Exit, e.Says, tc.exit, tc.says)
		}
		if want := "standard error:\nouttoken=hunter2 err\n"; len(c.Argv) > 3 && c.Argv[2] == "exit" && !strings.Contains(string(e.Output), "token=hunter2 err") {
			t.Errorf("it printed %q, want %q", e.Output, want)
		}
	}
	killed := d.command("wait")
	check(d.units.Start(t.Context(), killed))
	d.until(d.units, killed.Name, Running)
	await(t, "it is killed", func() bool {
		_, err := d.host.Systemctl("kill", "--signal=TERM", killed.Name)
		return err == nil
	})
	if e := d.until(d.units, killed.Name, Ended); e.Well() || e.Says != "ended by signal 15 (terminated)" {
		t.Errorf("%+v", e)
	}
	stopped := d.command("wait")
	check(d.units.Start(t.Context(), stopped))
	_, err := d.host.Systemctl("stop", stopped.Name)
	check(err)
	d.until(d.units, stopped.Name, Gone)
}

func (d *deck) twice(t *testing.T) {
	c := d.command("exit", "0")
	check(d.units.Start(t.Context(), c))
	if err := d.units.Start(t.Context(), c); !errors.Is(err, ErrExists) {
		t.Errorf("while it may run: %v", err)
	}
	d.until(d.units, c.Name, Ended)
	if err := d.units.Start(t.Context(), c); !errors.Is(err, ErrExists) {
		t.Errorf("after it has ended: %v", err)
	}
	for _, name := range []string{"", "fettle-", "sshd", "fettle-a/b", "fettle-a.b", "fettle-A", "fettle-a@b", strings.Repeat("fettle-a", 20)} {
		c.Name = name
		if err := d.units.Start(t.Context(), c); err == nil {
			t.Errorf("name %q was taken", name)
		}
	}
}

func (d *deck) survives(t *testing.T) {
	ended, goesOn := d.command("exit", "0"), d.command("wait")
	first := connected(t, d.host)
	check(first.Start(t.Context(), ended))
	check(first.Start(t.Context(), goesOn))
	d.until(first, ended.Name, Ended)
	first.Close()
	first.systemd.Close()

	next := connected(t, d.host)
	if e := d.until(next, ended.Name, Ended); !e.Well() {
		t.Errorf("%+v", e)
	}
	d.until(next, goesOn.Name, Running)
	next.remove(t.Context(), goesOn.Name)
	d.until(next, goesOn.Name, Gone)
}

func (d *deck) orphans(t *testing.T) {
	check(os.Mkdir(d.inside("/srv/probe"), 0o755))
	for _, how := range []string{"stay", "leave"} {
		file := "/srv/probe/" + how
		c := d.command("orphan", file, how)
		c.User, c.Writable, c.Timeout = "root", []string{"/srv/probe"}, 5*time.Second
		check(d.units.Start(t.Context(), c))
		await(t, "it has left a child", func() bool { _, err := os.Stat(d.inside(file)); return err == nil })
		e := d.until(d.units, c.Name, Ended)
		if e.Well() != (how == "leave") {
			t.Errorf("%s: %+v", how, e)
		}
		await(t, how+": nothing is left", func() bool { return len(d.alive("probe "+command)) == 0 })
	}
}

func (d *deck) sandbox(t *testing.T) {
	check(os.WriteFile(d.inside("/etc/secret"), []byte("s"), 0o600))
	check(os.Mkdir(d.inside("/srv/own"), 0o777))
	check(os.Chmod(d.inside("/srv/own"), 0o777))
	powers := func(change func(*Command)) []string {
		c := d.command("powers", "/etc/secret", "/srv/own/file", "/etc/passwd")
		change(&c)
		check(d.units.Start(t.Context(), c))
		e := d.until(d.units, c.Name, Ended)
		_, lines, _ := strings.Cut(string(e.Output), "\n")
		return strings.Split(strings.TrimSpace(lines), "\n")
	}
	demand := func(who string, got []string, want ...string) {
		t.Helper()
		for _, line := range want {
			if !slices.Contains(got, line) {
				t.Errorf("%s: want %q in\n%s", who, line, strings.Join(got, "\n"))
			}
		}
	}
	none := []string{
		"CapEff 0000000000000000", "CapBnd 0000000000000000", "NoNewPrivs 1", "Seccomp 2",
		"write /etc/passwd no", "create /etc/passwd no", "create /srv/own/file no", "connect 127.0.0.1:22 no",
	}
	demand("by default", powers(func(*Command) {}), append(none, "read /etc/secret no", "read /etc/passwd yes")...)
	demand("as root", powers(func(c *Command) { c.User = "root" }), append(none, "Uid 0", "write /etc/secret no")...)
	demand("with a path", powers(func(c *Command) { c.Writable = []string{"/srv/own"} }), "create /srv/own/file yes", "create /etc/passwd no", "write /etc/passwd no")
	demand("with a network", powers(func(c *Command) { c.Network = true }), "connect 127.0.0.1:22 yes", "create /etc/passwd no")
	demand("with a capability", powers(func(c *Command) { c.Capabilities = 1 << 2 }), "CapEff 0000000000000004", "read /etc/secret yes", "write /etc/secret no")
}

func (d *deck) looks(t *testing.T) {
	out, e, err := d.units.Look(t.Context(), d.command("exit", "1"))
	if err != nil || string(out) != "out" || e.Exit != 1 {
		t.Errorf("%q, %+v, %v", out, e, err)
	}
	c := d.command("exit", "1")
	page, err := scratch("page")
	check(err)
	defer page.Close()
	check(d.units.start(t.Context(), c, append(properties(c, page, page), saysNo())))
	if e := d.until(d.units, c.Name, Ended); e.Exit != 1 {
		t.Errorf("a look that says no: %+v", e)
	}
	if state, err := d.host.Systemctl("is-failed", c.Name); err == nil {
		t.Errorf("a look that says no is %s", state)
	}
	c = d.command("wait")
	c.Timeout = 200 * time.Millisecond
	if _, e, err := d.units.Look(t.Context(), c); err != nil || e.Exit != -1 {
		t.Errorf("at its timeout: %+v, %v", e, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second) // it is to end behind the start, which removes nothing
	defer cancel()
	if _, _, err := d.units.Look(ctx, d.command("wait")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("at the context's end: %v", err)
	}
	await(t, "no look is left", func() bool {
		units, err := d.host.Systemctl("list-units", "--all", "--plain", "--no-legend", "fettle-look-*")
		return err == nil && units == ""
	})
	if out, _, err := d.units.Look(t.Context(), d.command("flood", "200000")); err != nil || len(out) != OutputLimit {
		t.Errorf("a flood: %d bytes, %v", len(out), err)
	}
}

// What systemd would take for a variable, a specifier or an escape is none.
func (d *deck) literal(t *testing.T) {
	hostile := []string{
		"a$HOME", "${HOME}", "a${HOME}b", "$$HOME", "$HOME", "%n", "%%", "%H%m", `\x41`, `\n`, `\\`, `"`, `'`, "a b", " ", "\t", "a\nb", "-rf", "--", ";", "; reboot", "&", "|",
		"$(id)", "`id`", "*", "~", "#", "{{ . }}", "@", ":", "+", "!", "!!", "é", "日本", "\u202e", "\x1b[2J", "\x7f", strings.Repeat("x", 4096), "",
	}
	for _, v := range hostile {
		c := d.command("quote", v, "next")
		c.Env = map[string]string{"WHO": v}
		out, e, err := d.units.Look(t.Context(), c)
		if want := fmt.Sprintf("%q %q", []string{v, "next"}, v); err != nil || string(out) != want {
			t.Errorf("%v, %s: got %.200s, want %.200s", err, e.Says, out, want)
		}
	}
	r := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // the same in each run
	for range 10_000 / 200 {
		args := make([]string, 200)
		for i := range args {
			for range 1 + r.IntN(3) {
				if v := hostile[r.IntN(len(hostile))]; len(v) < 100 {
					args[i] += v
				}
				if r.IntN(2) == 0 {
					args[i] += string(rune(1 + r.IntN(0xd7fe)))
				}
			}
		}
		out, e, err := d.units.Look(t.Context(), d.command(append([]string{"quote"}, args...)...))
		if want := fmt.Sprintf("%q \"\"", args); err != nil || string(out) != want {
			t.Fatalf("%v, %s: got\n%.2000s\nwant\n%.2000s", err, e.Says, out, want)
		}
	}
}
