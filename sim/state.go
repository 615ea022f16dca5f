package sim

import (
	"fmt"
	"strings"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// sameFold: a state folded from the lines is the state of the engine that wrote
// them, whether from all of them or from the newest segment alone (rule 18). The
// engine is asked no more afterwards.
func (v *watcher) sameFold(live *repair.State, d *disk) {
	whole, newest, err := d.fold()
	if err != nil {
		v.report(ruleSameFold, "fold: %v", err)
		return
	}
	v.w.stats.Folds++
	now := v.w.reading()
	if diff := difference(live, whole, now); diff != "" {
		v.report(ruleSameFold, "the engine's own state, and what all lines fold to: %s", diff)
	}
	if diff := difference(whole, newest, now); diff != "" {
		v.report(ruleSameFold, "what all lines fold to, and the newest segment alone: %s", diff)
	}
}

// difference says in what two states differ, as the lines that a segment would open
// with: the same state gives the same lines. Neither state may go on after it.
func difference(a, b *repair.State, now journal.Reading) string {
	x, err := carried(a, now)
	if err != nil {
		return err.Error()
	}
	y, err := carried(b, now)
	if err != nil {
		return err.Error()
	}
	if x == y {
		return ""
	}
	i := 0
	for i < min(len(x), len(y)) && x[i] == y[i] {
		i++
	}
	around := func(s string) string { return s[max(0, min(i, len(s))-120):min(i+80, len(s))] }
	return fmt.Sprintf("…%s… and …%s…", around(x), around(y))
}

func carried(s *repair.State, now journal.Reading) (string, error) {
	drafts, err := s.Carry(now, func() string { return "" })
	var b strings.Builder
	for _, d := range drafts {
		b.Write(d.Data)
		b.WriteByte('\n')
	}
	return b.String(), err
}

// fold is what all lines fold to, and what those of the newest segment do.
func (d *disk) fold() (whole, newest *repair.State, err error) {
	whole, newest = repair.NewState(), repair.NewState()
	for i, l := range d.lines {
		if err := whole.Fold(l); err != nil {
			return nil, nil, err
		}
		if i < d.segment {
			continue
		}
		if err := newest.Fold(l); err != nil {
			return nil, nil, err
		}
	}
	return whole, newest, nil
}

// carry begins a new segment with the open state.
func (p *process) carry() {
	drafts, err := p.engine.State().Carry(p.w.reading(), p.w.newID)
	if err != nil {
		p.w.mustNot(ruleSameFold, "carry: %v", err)
		return
	}
	p.disk.segment = len(p.disk.lines)
	p.disk.append(p.w, drafts)
	p.w.stats.Segments++
}

// deepVerify demands that each segment opens with what the lines before it fold to.
func (d *disk) deepVerify() error {
	_, err := repair.DeepVerify(func(take func(journal.Record) error) error {
		for i, l := range d.lines {
			if err := take(journal.Record{Seq: uint64(i), Draft: l}); err != nil { //nolint:gosec // it is not negative
				return err
			}
		}
		return nil
	})
	return err
}
