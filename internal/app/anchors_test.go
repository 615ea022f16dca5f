package app

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/fettle-io/fettle/internal/anchor"
	"github.com/fettle-io/fettle/journal"
)

// Checkpoints leave the machine while fettle runs, and the last one when it stops.
// The journal contains all of them.
func TestAnchors(t *testing.T) {
	old := syscall.Umask(0)
	t.Cleanup(func() { syscall.Umask(old) })
	var mu sync.Mutex
	var posted []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer hush" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		posted, _ = io.ReadAll(r.Body)
	}))
	t.Cleanup(srv.Close)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "fettle.yml")
	yaml := strings.Replace(plain, "journal: {", "journal: {anchor_every: 1s, anchors: [{file: DIR/kept.jsonl}, {url: "+srv.URL+", token_file: DIR/token}], ", 1)
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(yaml, "DIR", dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), Options{ConfigFile: file, Listen: "127.0.0.1:0", Version: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	key := a.journal.Identity().VerifierKey
	a.Start()
	await(t, "the first anchor", func() bool { _, err := os.Stat(filepath.Join(dir, "kept.jsonl")); return err == nil })
	if code, body := post(t, a, firing); code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	size := a.journal.Size()
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(filepath.Join(dir, "kept.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	notes, err := anchor.Notes(bytes.NewReader(kept))
	if err != nil || len(notes) < 2 {
		t.Fatalf("%d checkpoints, %v", len(notes), err)
	}
	newest, err := os.ReadFile(filepath.Join(dir, "journal", "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for name, got := range map[string][]byte{"file": notes[len(notes)-1], "url": posted} {
		if c, err := anchor.Parse(got); err != nil || c.Size < size || !bytes.Equal(got, newest) {
			t.Errorf("%s: the last one covers %d of %d records, %v", name, c.Size, size, err)
		}
	}
	for _, n := range notes {
		if _, err := journal.Verify(filepath.Join(dir, "journal"), key, journal.VerifyOptions{Anchor: n}); err != nil {
			t.Error(err)
		}
	}
	private(t, dir)
}

// private wants every file and directory that fettle made to be its user's alone,
// and no file to be one that can be run, whatever the umask.
func private(t *testing.T, dir string) {
	t.Helper()
	n := 0
	for _, made := range []string{"journal", "kept.jsonl", "journal.key"} {
		err := filepath.WalkDir(filepath.Join(dir, made), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			want := fs.FileMode(0o600)
			if d.IsDir() {
				want = 0o700
			}
			if n++; info.Mode().Perm() != want {
				t.Errorf("%s has mode %v, want %v", path, info.Mode(), want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n < 7 {
		t.Errorf("only %d files", n)
	}
}

// The two gauges are 104 bits of the root, exactly.
func TestRootGauges(t *testing.T) {
	a := start(t, plain)
	if err := a.journal.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	all, err := a.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	for _, f := range all {
		if strings.HasPrefix(f.GetName(), "fettle_journal_checkpoint_") {
			got[f.GetName()] = uint64(f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	note, err := os.ReadFile(filepath.Join(a.journalDir(), "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := anchor.Parse(note)
	if err != nil {
		t.Fatal(err)
	}
	bits := fmt.Sprintf("%013x%013x", got["fettle_journal_checkpoint_root_high"], got["fettle_journal_checkpoint_root_low"])
	if bits != fmt.Sprintf("%x", c.Root)[:26] || got["fettle_journal_checkpoint_records"] != c.Size || len(got) != 3 {
		t.Errorf("%v, the root begins with %x", got, c.Root[:13])
	}
	for i := range 200 { // no bit is lost in a float
		root := sha256.Sum256(binary.BigEndian.AppendUint32(nil, uint32(i)))
		high, low := halves(root)
		if got := fmt.Sprintf("%013x%013x", uint64(float64(high)), uint64(float64(low))); got != fmt.Sprintf("%x", root)[:26] {
			t.Errorf("%s of %x", got, root)
		}
	}
}

// A journal that is not the pinned one is not opened.
func TestPinnedJournal(t *testing.T) {
	a := start(t, plain)
	dir := filepath.Dir(a.o.ConfigFile)
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	pin := func(id string) error {
		yaml := strings.Replace(plain, "journal: {", "journal: {id: "+id+", ", 1)
		if err := os.WriteFile(a.o.ConfigFile, []byte(strings.ReplaceAll(yaml, "DIR", dir)), 0o600); err != nil {
			t.Fatal(err)
		}
		again, err := New(t.Context(), a.o)
		if err == nil {
			err = again.Stop()
		}
		return err
	}
	if err := pin(a.journal.Identity().ID); err != nil {
		t.Errorf("the pinned one: %v", err)
	}
	if err := pin("0199f7a2-5a3c-7d10-8f00-0123456789ab"); err == nil || !strings.Contains(err.Error(), "pins 0199f7a2") {
		t.Errorf("another one: %v", err)
	}
}
