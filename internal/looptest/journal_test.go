package looptest

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/servertest"
	"github.com/fettle-io/fettle/repair"
)

// Four senders post without a pause, and fettle is killed in the middle, three
// times: what was acknowledged is in the journal, which proves and goes on.
func TestAcknowledgedIsThereAfterKill(t *testing.T) {
	t.Parallel()
	w := &ward{T: t, server: configure(t, options{clusters: []cluster.Cluster{}})}
	acknowledged := map[alert.Fingerprint]bool{}
	for round := range 3 {
		w.start()
		var mu sync.Mutex
		var all sync.WaitGroup
		enough := make(chan struct{})
		count := 0
		for sender := range 4 {
			all.Go(func() {
				for i := 0; ; i++ {
					a := alertOf(map[string]string{"alertname": "Other", "n": fmt.Sprintf("%d-%d-%d", round, sender, i)})
					status, said := w.post([]string{"first", "second"}[sender%2], body(t, a, down(fmt.Sprintf("%d-%d-%d", round, sender, i))), nil)
					if status == 0 {
						return // killed
					}
					if status != http.StatusOK {
						t.Errorf("got %d: %s", status, said)
						return
					}
					mu.Lock()
					acknowledged[alert.Fingerprint(a.Fingerprint)] = true
					if count++; count == 60 {
						close(enough)
					}
					mu.Unlock()
				}
			})
		}
		<-enough
		w.kill()
		all.Wait()
	}
	check := func(when string) {
		t.Helper()
		there := map[alert.Fingerprint]bool{}
		for _, r := range of[repair.Received](t, w.story(), repair.TypeReceived) {
			there[r.Fingerprint] = true
		}
		for f := range acknowledged {
			if !there[f] {
				t.Errorf("%s: %s was acknowledged, and is not in the journal", when, f)
			}
		}
	}
	check("after the kill")
	w.start()
	check("after the restart")
	w.shutdown()
	if said := w.verify(); !strings.HasPrefix(said, "verified") {
		t.Errorf("verify: %s", said)
	}
	w.damages()
}

// damages: what was done to the journal's files behind fettle's back, and what
// `fettle journal verify` says of it. fettle refuses to serve over damage.
func (w *ward) damages() {
	whole := w.verify()
	proven := regexp.MustCompile(`proven +seq 0 to (\d+) \((\d+) records`).FindStringSubmatch(whole)
	if proven == nil {
		w.Fatalf("verify does not say up to where: %s", whole)
	}
	lines := func(b []byte) [][]byte { return bytes.SplitAfter(b, []byte("\n")) }
	for _, c := range []struct {
		name   string
		damage func(b []byte) []byte
		fails  bool
		says   string
	}{
		{name: "one bit", damage: func(b []byte) []byte {
			b[len(b)/2] ^= 1
			return b
		}, fails: true, says: `\.jsonl:\d+`},
		{name: "two lines swapped", damage: func(b []byte) []byte {
			ls := lines(b)
			var records []int
			for i, l := range ls {
				if len(l) > 1 {
					records = append(records, i)
				}
			}
			i, j := records[len(records)/2], records[len(records)/2+1]
			ls[i], ls[j] = ls[j], ls[i]
			return bytes.Join(ls, nil)
		}, fails: true, says: `\.jsonl:\d+`},
		{name: "the tail cut below the last checkpoint", damage: func(b []byte) []byte {
			ls := lines(b)
			return bytes.Join(ls[:len(ls)-6], nil)
		}, fails: true, says: `checkpoint`},
		{name: "half a record after the last checkpoint", damage: func(b []byte) []byte {
			return append(b, "\n{\"specversion\":"...)
		}, says: `(?s)proven +seq 0 to ` + proven[1] + ` .*(torn|unfinished)`},
	} {
		w.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "journal")
			must(t, os.CopyFS(dir, os.DirFS(w.journal())))
			segments, err := filepath.Glob(filepath.Join(dir, "[0-9]*.jsonl"))
			must(t, err)
			var last string
			for _, s := range segments {
				if info, err := os.Stat(s); err == nil && info.Size() > 0 {
					last = s
				}
			}
			b, err := os.ReadFile(last)
			must(t, err)
			must(t, os.WriteFile(last, c.damage(b), 0o600))
			said, err := runCLI(fettle, "journal", "verify", dir)
			if (err != nil) != c.fails || !regexp.MustCompile(c.says).MatchString(said) {
				t.Errorf("verify (%v) says:\n%s\nwant %q", err, said, c.says)
			}
			if !c.fails {
				return
			}
			config, err := os.ReadFile(w.config)
			must(t, err)
			other := filepath.Join(t.TempDir(), "fettle.yml")
			must(t, os.WriteFile(other, bytes.ReplaceAll(config, []byte(fmt.Sprintf("dir: %q", w.journal())), []byte(fmt.Sprintf("dir: %q", dir))), 0o600))
			p := servertest.Of(t, servertest.Process{Name: "fettle", Argv: []string{fettle, "serve", "--config.file=" + other}, Log: filepath.Join(t.TempDir(), "log")})
			p.Start()
			until(t, "fettle refuses to serve", func() error {
				if p.Running() {
					return errNotYet
				}
				return nil
			})
			if p.State().ExitCode() != 1 {
				t.Errorf("fettle serve over it: %s", p.State())
			}
		})
	}
}
