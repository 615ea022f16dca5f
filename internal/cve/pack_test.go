package cve

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/fettle-io/fettle/internal/scorecard"
)

// class is one row of the pack.
type class struct {
	// name says what is attacked, had who had it: a CVE, an advisory, an issue.
	name, had string
	try       func(t *testing.T, s *site)
}

// TestClasses runs the pack against one fettle, each class with its own messages.
func TestClasses(t *testing.T) {
	s := newSite(t)
	n := 0
	for _, group := range [][]class{commandClasses(), declaredClasses(), accessClasses(), textClasses(), fileClasses(), inputClasses()} {
		for _, c := range group {
			n++
			t.Run(c.name, func(t *testing.T) {
				if c.had == "" {
					t.Error("who had it?")
				}
				c.try(t, s)
				if status, _, body := s.do(t, request{path: "/-/healthy"}); status != 200 {
					t.Fatalf("fettle does not answer after it: %d %s", status, body)
				}
			})
		}
	}
	if t.Failed() {
		return
	}
	figure := fmt.Sprintf("%d classes, all pass", n)
	t.Log(figure)
	scorecard.Row(t, 19, figure)
}

// probe is this program when it is run as a declared command: it writes down how it
// was called, and plays a service.
const probe = "cve-probe"

// call is how the probe was called.
type call struct {
	Args, Env []string
}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == probe {
		os.Exit(probed(os.Args[2], os.Args[3:]))
	}
	os.Exit(m.Run())
}

// probed is the probe's main: what it was told goes to file.
func probed(file string, args []string) int {
	line, err := json.Marshal(call{args, os.Environ()})
	if err != nil {
		return 3
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 3
	}
	defer f.Close() //nolint:errcheck // written to by one write each
	if _, err := f.Write(append(line, '\n')); err != nil {
		return 3
	}
	switch args[0] {
	case "restart":
		if err := os.WriteFile(file+".runs", nil, 0o600); err != nil {
			return 3
		}
	case "fail":
		fmt.Fprintln(os.Stderr, "cannot")
		return 1
	case "status":
		state := `{"state":"dead"}`
		if _, err := os.Stat(file + ".runs"); err == nil {
			state = `{"state":"running","identity":"1"}`
		}
		fmt.Println(state) //nolint:forbidigo // this is what a status command does
	}
	return 0
}
