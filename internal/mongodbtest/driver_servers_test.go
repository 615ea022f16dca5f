//go:build servers

package mongodbtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// MongoDB's own driver logs in at the stand-in and understands what it says.
func TestMongoDBsDriverUnderstands(t *testing.T) {
	s := Start(t, 3, Options{User: "fettle", Password: "secret"})
	program := filepath.Join(t.TempDir(), "mongodriver")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", program, ".")
	build.Dir = filepath.Join("..", "..", "tools", "mongodriver")
	build.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build tools/mongodriver: %v\n%s", err, out)
	}
	for i, want := range []string{"rs0 1 true", "rs0 2 true"} {
		out, err := exec.Command(program, s.Members[i].Address, "fettle", "secret").CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s: %v, %s, want %s", s.Members[i].Name, err, got, want)
		}
	}
	if out, err := exec.Command(program, s.Members[0].Address, "fettle", "wrong").CombinedOutput(); err == nil || !strings.Contains(string(out), "auth") {
		t.Errorf("another password: %v, %s", err, out)
	}
}
