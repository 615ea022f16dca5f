//go:build faults

package faults

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/internal/scorecard"
)

// newJournal is a place for a journal and its key that are not there yet.
type newJournal struct{ home, dir, key string }

func placeFor(t *testing.T) newJournal {
	home := t.TempDir()
	return newJournal{home, filepath.Join(home, "var", "journal"), filepath.Join(home, "etc", "journal.key")}
}

func (j newJournal) init() (string, error) {
	return runCLI(fettle, "journal", "init", j.dir, "--key-file", j.key)
}

// initTraced runs fettle journal init under strace and returns its trace.
func (j newJournal) initTraced(t *testing.T, args ...string) (trace, said string, err error) {
	trace = filepath.Join(j.home, "trace")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	argv := append(straced(t, trace, args...), fettle, "journal", "init", j.dir, "--key-file", j.key)
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	return trace, string(out), err
}

// Every system call of fettle journal init fails once, with EIO, with ENOSPC and with
// its death. Then there is a journal that verifies, or none; or what there is says
// that it is none, and goes by the hand of a person.
func TestEverySystemCallOfInitFails(t *testing.T) {
	dry := placeFor(t)
	trace, said, err := dry.initTraced(t, "-e", "trace="+calls)
	if err != nil {
		t.Fatalf("init: %v: %s", err, said)
	}
	files := callsOn(t, trace, filepath.Dir(dry.dir), filepath.Dir(dry.key))
	if len(files) < 15 {
		t.Fatalf("only %d calls:\n%v", len(files), files)
	}
	faults, made, none, refused := 0, 0, 0, 0
	for _, c := range files {
		rel, err := filepath.Rel(dry.home, c.path)
		must(t, err)
		t.Run(c.name+" "+strings.ReplaceAll(rel, "/", ":"), func(t *testing.T) {
			for _, f := range allFaults {
				for _, nth := range nth() {
					j := placeFor(t)
					trace, said, err := j.initTraced(t, inject(call{c.name, filepath.Join(j.home, rel)}, f, nth)...)
					happened, _ := hit(t, trace)
					if f.name == "SIGKILL" {
						happened = err != nil
					}
					if !happened {
						if nth == 1 {
							t.Errorf("%s never happened", f.name)
						}
						break
					}
					faults++
					switch again, err2 := j.init(); {
					case err == nil:
						made++
					case err2 == nil:
						none++
					default:
						refused++
						if !strings.Contains(again, "remove") && !strings.Contains(again, "already") {
							t.Errorf("%s in call %d of init (%s), and a second init does not say what to do:\n%s", f.name, nth, said, again)
						}
						if out, err := runCLI(fettle, "journal", "verify", j.dir); err == nil && !strings.HasPrefix(out, "verified") {
							t.Errorf("%s in call %d: what is no journal is verified:\n%s", f.name, nth, out)
						}
						must(t, os.RemoveAll(j.dir))
						must(t, os.RemoveAll(j.key))
						if out, err := j.init(); err != nil {
							t.Errorf("%s in call %d: after both were removed: %v: %s", f.name, nth, err, out)
						}
					}
					if out, err := runCLI(fettle, "journal", "verify", j.dir); err != nil || !strings.HasPrefix(out, "verified") {
						t.Errorf("%s in call %d: %v: %s", f.name, nth, err, out)
					}
				}
			}
		})
	}
	figure := fmt.Sprintf("%d faults in the making of a journal: %d made one, %d left nothing in the way of the next try, %d were told to be removed", faults, made, none, refused)
	t.Log(figure)
	if !t.Failed() {
		scorecard.Row(t, 3, figure)
	}
}
