package faults

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/scorecard"
)

// One bit of what a checkpoint covers, or of the checkpoint, is flipped: the real
// fettle serve refuses to start over it, says where, and changes nothing.
func TestFlippedBitIsRefused(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	f := newFleet(t, 1)
	s := configure(t, f, options{})
	s.start()
	for i := range 5 {
		s.send(other(fmt.Sprint(i)), other(fmt.Sprintf("%d beside", i)))
	}
	s.shutdown()
	s.verify()
	segments, err := filepath.Glob(filepath.Join(s.journal, "[0-9]*.jsonl"))
	must(t, err)
	files := append(segments, filepath.Join(s.journal, "checkpoint"))
	for i := range flips {
		path := files[random.IntN(len(files))]
		whole, err := os.ReadFile(path)
		must(t, err)
		if len(whole) == 0 {
			continue
		}
		damaged := append([]byte(nil), whole...)
		at := random.IntN(len(damaged))
		if filepath.Base(path) == "checkpoint" && damaged[min(at+1, len(damaged)-1)] == '=' {
			at-- // the character before the padding has two bits that mean nothing
		}
		damaged[at] ^= 1 << random.IntN(8)
		what := fmt.Sprintf("flip %d: byte %d of %s, bit %d of %q", i, at, filepath.Base(path), bits.TrailingZeros8(damaged[at]^whole[at]), whole[at])
		must(t, os.WriteFile(path, damaged, 0o600))
		s.launch()
		select {
		case <-s.proc.Ended():
			if code := s.proc.State().ExitCode(); code != 1 || !strings.Contains(s.said(), filepath.Base(path)) {
				t.Errorf("%s: fettle ended %d, and does not name the file:\n%s", what, code, s.said())
			}
		case <-time.After(patience):
			t.Errorf("%s: fettle serves over it", what)
			s.proc.Kill()
		}
		if now, err := os.ReadFile(path); err != nil || string(now) != string(damaged) {
			t.Errorf("%s: fettle changed the file (%v)", what, err)
		}
		must(t, os.WriteFile(path, whole, 0o600))
	}
	s.start()
	s.shutdown()
	s.verify()
	figure := fmt.Sprintf("%d flipped bits at the start of the real program: all refused with the file's name, nothing changed", flips)
	t.Log(figure)
	if !t.Failed() {
		scorecard.Row(t, 5, figure)
	}
}
