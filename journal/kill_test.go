package journal_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/fettle-io/fettle/journal"
)

// kills is how often the writer is killed.
const kills = 20

// The test binary is the writer too, when these name a journal.
const killDir, killKey = "FETTLE_TEST_JOURNAL_DIR", "FETTLE_TEST_JOURNAL_KEY"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		fmt.Fprintln(os.Stderr, appendForever(dir, os.Getenv(killKey)))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// appendForever appends groups and prints the id of each acknowledged record,
// until it is killed.
func appendForever(dir, key string) error {
	clock, err := journal.SystemClock()
	if err != nil {
		return err
	}
	newID := func() string { return uuid.Must(uuid.NewV7()).String() }
	j, err := journal.Open(dir, key, journal.Options{Now: clock, NewID: newID})
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		drafts := make([]journal.Draft, 1+n%7)
		for i := range drafts {
			drafts[i] = draft(n)
		}
		records, err := j.Append(drafts)
		if err != nil {
			return err
		}
		for _, r := range records {
			fmt.Println(r.Seq, r.ID)
		}
		if err := j.MaybeCheckpoint(clock()); err != nil {
			return err
		}
		if n%16 == 15 {
			if err := j.Checkpoint(); err != nil {
				return err
			}
		}
	}
}

// TestKill ends a writer with SIGKILL, again and again: what it acknowledged
// is there.
func TestKill(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	acknowledged := map[string]bool{}
	for round := range kills {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), killDir+"="+f.dir, killKey+"="+f.key)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		deadline := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
		news := 0
		for s := bufio.NewScanner(out); s.Scan(); {
			acknowledged[s.Text()] = true
			if news++; news == 10+round*7 {
				if err := cmd.Process.Kill(); err != nil { // SIGKILL; what it printed until then is still read
					t.Fatal(err)
				}
			}
		}
		cmd.Wait()
		deadline.Stop()
		if news < 10+round*7 {
			t.Fatalf("round %d: the writer acknowledged %d records and ended", round, news)
		}

		j := f.open()
		found := map[string]bool{}
		if err := j.Replay(func(r journal.Record) error {
			found[fmt.Sprint(r.Seq, " ", r.ID)] = true
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		for a := range acknowledged {
			if !found[a] {
				t.Fatalf("round %d: record %s was acknowledged and is lost", round, a)
			}
		}
		if r := f.verify(); r.Records != uint64(len(found)) || r.Proven != r.Records {
			t.Fatalf("round %d: report %+v, %d records", round, r, len(found))
		}
	}
}
