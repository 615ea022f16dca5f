package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/internal/manual"
)

func TestManual(t *testing.T) {
	for arg, want := range map[string]string{
		"--man":             ".TH \"FETTLE_EXPORTER\" \"8\"",
		"--completion=bash": "complete -o default -F _fettle_exporter_complete fettle_exporter",
		"--completion=zsh":  "#compdef fettle_exporter",
		"--completion=fish": "complete -c fettle_exporter",
	} {
		f, err := parse([]string{arg})
		if err != nil || f.print == nil {
			t.Fatalf("%s: %v", arg, err)
		}
		var b bytes.Buffer
		if err := f.print(&b); err != nil || !strings.Contains(b.String(), want) {
			t.Errorf("%s: got %s (%v)", arg, b.String(), err)
		}
	}
	if f, err := parse(nil); err != nil || f.print != nil {
		t.Errorf("without them it serves: %v", err)
	}
}

// The help has an example, and it is a command line that is taken.
func TestHelpHasAnExample(t *testing.T) {
	lines := manual.Examples(about)
	if len(lines) == 0 {
		t.Fatal("no example")
	}
	for _, line := range append(lines, page().Examples...) {
		words := strings.Fields(line)
		if words[0] != "fettle_exporter" {
			t.Errorf("%q", line)
		}
		if _, err := parse(words[1:]); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}
