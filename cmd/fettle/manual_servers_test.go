//go:build servers

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/internal/manual"
)

// The manual page is one that man has nothing to say against.
func TestManReadsThePage(t *testing.T) {
	page := filepath.Join(t.TempDir(), "fettle.1")
	out, err := exec.CommandContext(t.Context(), "go", "run", ".", "man").Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(page, out, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "man", "--warnings", "-E", "UTF-8", "-l", page)
	cmd.Env = append(os.Environ(), "MANROFFSEQ=", "MANWIDTH=80", "LC_ALL=C.UTF-8")
	var wrong strings.Builder
	cmd.Stderr = &wrong
	shown, err := cmd.Output()
	if err != nil || wrong.Len() > 0 {
		t.Fatalf("man: %v\n%s", err, wrong.String())
	}
	for _, want := range []string{"--outcome=OUTCOME", "FETTLE_SERVER", "EXIT STATUS"} {
		if !strings.Contains(string(shown), want) {
			t.Errorf("%s is not in\n%s", want, shown)
		}
	}
}

// The scripts complete in the real shells. (bash is tried in the scripts.)
func TestShellsComplete(t *testing.T) {
	dir := t.TempDir()
	bin := filepath.Join(dir, "fettle")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, tc := range []struct{ shell, ask, want, not string }{
		{"zsh", `compadd() { shift; print -l -- "$@" }; compdef() { :; }; _files() { print FILES }; source "$1"; words=(fettle expl); CURRENT=2; _fettle`, "explain", "FILES"},
		{"zsh", `compadd() { shift; print -l -- "$@" }; compdef() { :; }; _files() { print FILES }; source "$1"; words=(fettle runs --outcome ""); CURRENT=4; _fettle`, "repaired", "FILES"},
		{"zsh", `compadd() { shift; print -l -- "$@" }; compdef() { :; }; _files() { print FILES }; source "$1"; words=(fettle check ""); CURRENT=3; _fettle`, "FILES", "explain"},
		{"fish", `source $argv[1]; complete -C "fettle expl"`, "explain", "runs"},
		{"fish", `source $argv[1]; complete -C "fettle runs --outcome rep"`, "repaired", "noop"},
	} {
		script, _ := manual.Completion(tc.shell, "fettle")
		path := filepath.Join(dir, "script."+tc.shell)
		if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"-f", "-c", tc.ask, "zsh", path}
		if tc.shell == "fish" {
			args = []string{"-N", "-c", tc.ask, path}
		}
		cmd := exec.CommandContext(t.Context(), tc.shell, args...)
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+dir, "FETTLE_SERVER=unix:///nowhere")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains("\n"+string(out)+"\n", "\n"+tc.want+"\n") || strings.Contains(string(out), tc.not) {
			t.Errorf("%s %s: %v, got\n%s", tc.shell, tc.ask, err, out)
		}
	}
}
