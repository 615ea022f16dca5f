package scorecard

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Variable names the directory that Row writes to.
const Variable = "FETTLE_SCORECARD"

const module = "github.com/fettle-io/fettle/"

// Figure is what one test measured for one row, as it lies in figures/.
type Figure struct {
	Row int `json:"row"`
	// Package is the test's, from the module's root; Test its name.
	Package string `json:"package"`
	Test    string `json:"test"`
	// Figure is for people: "1,000 kills: 0 of 48,211 acknowledged alerts lost".
	Figure string `json:"figure"`
	// Revision is the commit that was checked out.
	Revision string `json:"revision"`
}

// Row records what a test measured for a row of the scorecard; the same test's next
// figure for that row takes its place. It does nothing unless FETTLE_SCORECARD names
// a directory (absolute, because tests run in their package's).
func Row(t testing.TB, number int, figure string) {
	t.Helper()
	dir := os.Getenv(Variable)
	if dir == "" {
		return
	}
	caller, _, _, _ := runtime.Caller(1)
	revision, err := exec.CommandContext(t.Context(), "git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		t.Fatalf("scorecard: which commit is it: %v", err)
	}
	f := Figure{
		Row: number, Package: packageOf(runtime.FuncForPC(caller).Name()), Test: t.Name(),
		Figure: figure, Revision: strings.TrimSpace(string(revision)),
	}
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		t.Fatalf("scorecard: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, f.file()), append(b, '\n'), 0o644); err != nil { //nolint:gosec // everybody may read it
		t.Fatalf("scorecard: %v", err)
	}
}

// packageOf is the package of a function as the runtime names it.
func packageOf(function string) string {
	function = strings.TrimPrefix(function, module)
	slash := strings.LastIndex(function, "/") + 1
	name, _, _ := strings.Cut(function[slash:], ".")
	return function[:slash] + strings.TrimSuffix(name, "_test")
}
