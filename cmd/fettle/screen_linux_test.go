package main

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Colours are for a terminal that has them, and never with NO_COLOR.
func TestScreen(t *testing.T) {
	tty := terminal(t, 100)
	env := func(vars map[string]string) func(string) string {
		return func(name string) string { return vars[name] }
	}
	for _, tc := range []struct {
		name string
		vars map[string]string
		want screen
	}{
		{"a terminal", map[string]string{"TERM": "xterm"}, screen{width: 100, colour: true}},
		{"NO_COLOR", map[string]string{"TERM": "xterm", "NO_COLOR": "1"}, screen{width: 100}},
		{"a dumb one", map[string]string{"TERM": "dumb"}, screen{width: 100}},
	} {
		if got := screenOf(tty, env(tc.vars)); got != tc.want {
			t.Errorf("%s: got %+v, want %+v", tc.name, got, tc.want)
		}
	}
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // nothing was written
	if got := screenOf(file, env(map[string]string{"TERM": "xterm"})); got != (screen{}) {
		t.Errorf("a file: got %+v", got)
	}
}

// terminal opens a pseudo-terminal of so many columns.
func terminal(t *testing.T, columns uint16) *os.File {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tty.Close() })
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
	return tty
}
