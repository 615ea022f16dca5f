package line

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	at := time.Unix(1_700_000_000, 0)
	path := filepath.Join(dir, "a")
	if err := os.WriteFile(path, []byte("12345678"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
	if w, err := ReadFile(path, 8); err != nil || string(w.Text) != "12345678" || !w.At.Equal(at) {
		t.Errorf("%v, %v", w, err)
	}
	if w, err := ReadFile(path, 7); Reason(err) != cluster.TooLarge || w.Text != nil || !w.At.Equal(at) {
		t.Errorf("%v, %v", w, err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{filepath.Join(dir, "none"): cluster.Refused, dir: cluster.BadProtocol, pipe: cluster.BadProtocol} {
		if _, err := ReadFile(path, 8); Reason(err) != want {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}

func TestFresh(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for age, want := range map[time.Duration]string{
		0: "", time.Minute: "", -time.Minute: "", time.Minute + 1: cluster.Timeout, -time.Minute - 1: cluster.Other, -10 * 365 * 24 * time.Hour: cluster.Other,
	} {
		err := Written{At: now.Add(-age)}.Fresh(now, time.Minute)
		if Reason(err) != want || want == cluster.Timeout && !strings.Contains(err.Error(), "1m0s ago") {
			t.Errorf("%s: %v, want %q", age, err, want)
		}
	}
}
