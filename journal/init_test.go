package journal_test

import (
	"crypto/rand"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/journal"
)

func TestInit(t *testing.T) {
	f := newFixture(t)
	for path, want := range map[string]fs.FileMode{f.dir: 0o700, f.key: 0o600, f.segment(): 0o600, filepath.Join(f.dir, "checkpoint"): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
		}
	}
	if f.id.Origin != "host1/fettle/"+f.id.ID || !strings.HasPrefix(f.id.VerifierKey, f.id.Origin+"+") {
		t.Errorf("identity %+v", f.id)
	}
	if r := f.verify(); r.Identity != f.id || r.Records != 1 || r.Proven != 1 {
		t.Errorf("report %+v", r)
	}
}

func TestInitRefuses(t *testing.T) {
	f := newFixture(t)
	fresh := func() string { return filepath.Join(t.TempDir(), "journal") }
	damaged := newFixture(t)
	if err := os.Remove(damaged.segment()); err != nil {
		t.Fatal(err)
	}
	inside := fresh()
	tests := []struct {
		name, dir, key, host, want string
	}{
		{"a journal is there", f.dir, filepath.Join(t.TempDir(), "k"), "h", "a journal already"},
		{"what is left of one is there", damaged.dir, filepath.Join(t.TempDir(), "k"), "h", "records are missing"},
		{"the key is there", fresh(), f.key, "h", "may be the key of another journal"},
		{"the key would lie inside", inside, filepath.Join(inside, "k"), "h", "lies in the journal's directory"},
		{"no host", fresh(), filepath.Join(t.TempDir(), "k"), "", "not the name of a host"},
		{"a host with a plus", fresh(), filepath.Join(t.TempDir(), "k"), "a+b", "not the name of a host"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := journal.Init(tt.dir, tt.key, journal.InitOptions{Host: tt.host, Now: f.clock.now(), NewID: f.newID, Rand: rand.Reader})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
		})
	}
	f.verify()
}

func TestInitTakesBackWhatItMade(t *testing.T) {
	f := newFixture(t)
	dir, key := filepath.Join(t.TempDir(), "journal"), filepath.Join(t.TempDir(), "k")
	// The place of the checkpoint, which is written last, is taken.
	if err := os.MkdirAll(filepath.Join(dir, "checkpoint.tmp", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	o := journal.InitOptions{Host: "h", Now: f.clock.now(), NewID: f.newID, Rand: rand.Reader}
	if _, err := journal.Init(dir, key, o); err == nil {
		t.Fatal("it worked")
	}
	if err := os.RemoveAll(filepath.Join(dir, "checkpoint.tmp")); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Init(dir, key, o); err != nil {
		t.Errorf("the second try: %v", err)
	}
}
