//go:build servers

package consoletest

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// visit and sight are those of tools/browser.
type visit struct {
	URL      string            `json:"url"`
	Width    int               `json:"width"`
	Height   int               `json:"height"`
	Dark     bool              `json:"dark,omitempty"`
	NoScript bool              `json:"no_script,omitempty"`
	Headers  map[string]string `json:"headers,omitempty"`
	Keys     []key             `json:"keys,omitempty"`
	Shot     string            `json:"shot,omitempty"`
}

type key struct {
	TabTo string `json:"tab_to,omitempty"`
	Type  string `json:"type,omitempty"`
	Enter bool   `json:"enter,omitempty"`
	Walk  int    `json:"walk,omitempty"`
	Wait  bool   `json:"wait,omitempty"`
}

type sight struct {
	URL, Title, Text       string
	Dialogs, Console       []string
	Hosts                  []string
	ScrollWidth, Width     int
	Background, Foreground string
	Focus                  []struct {
		Tag, Text, Href, Outline string
		InView                   bool
		Place                    int
	}
	Unlabelled, Handlers int
	Headings             []string
	Faint, Unnamed       []string
	Stops                int
}

var built = sync.OnceValues(func() (string, error) { //nolint:gochecknoglobals // built once
	top, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return "", err
	}
	path := filepath.Join(top, ".cache", "bin", "browser")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", path, ".")
	cmd.Dir = filepath.Join(top, "tools", "browser")
	cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return path, cmd.Run()
})

// look visits pages, each in a tab of its own.
func look(t *testing.T, visits ...visit) []sight {
	t.Helper()
	program, err := built()
	if err != nil {
		t.Fatalf("build tools/browser: %v", err)
	}
	in, err := json.Marshal(visits)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	var out, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	var sights []sight
	if err := json.Unmarshal(out.Bytes(), &sights); err != nil {
		t.Fatal(err)
	}
	return sights
}
