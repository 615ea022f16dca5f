package replay

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// Report is what a replay came to.
type Report struct {
	Records   uint64    `json:"records"`
	Episodes  []Episode `json:"episodes"`
	Same      int       `json:"same"`
	Different int       `json:"different"`
	// Untold counts those whose story ends where something was not recorded.
	Untold int `json:"untold"`
	// Notes say what of the journal was not replayed.
	Notes []string `json:"notes,omitempty"`
}

// Run replays records, in their order, against a configuration. each calls its argument
// with every record.
func Run(cfg repair.Config, each func(func(journal.Record) error) error) (Report, error) {
	p := &player{
		st: repair.NewState(), told: map[string]*told{}, runs: map[string]*recordedRun{}, cases: map[string]*Episode{},
		recorded: map[string]*Episode{}, undoing: map[string]bool{}, looks: map[string][]repair.Look{},
		open: map[alert.Fingerprint]*Episode{}, skipped: map[string]int{}, guessing: map[string]string{}, alerts: map[string]alert.Fingerprint{},
	}
	cfg.Actions, cfg.Guards, cfg.Settings = actions(cfg.Actions), guards(cfg.Guards, func(t string) *told { return p.told[t] }), settings(cfg.Settings)
	cfg.Asking = math.MaxInt  // a look waits for the record that tells, and keeps nobody from his
	cfg.Alertmanagers = false // whom they had is not recorded, only what came of it
	p.cfg = cfg
	var n uint64
	err := each(func(r journal.Record) error {
		n++
		if err := p.take(r); err != nil {
			return fmt.Errorf("record %d (%s): %w", r.Seq, r.Type, err)
		}
		return nil
	})
	if err != nil {
		return Report{}, err
	}
	rep := p.report()
	rep.Records = n
	return rep, nil
}

// player drives the engine.
type player struct {
	cfg    repair.Config
	st     *repair.State
	engine *repair.Engine // nil: only carried state has come so far
	ids    int
	now    journal.Reading

	told  map[string]*told         // by target, of this moment
	looks map[string][]repair.Look // by target, that wait to be told
	seeks []repair.Look            // that wait to be told which member of a cluster is meant
	// applies are the replay's own intents that are under way, by target, and guessing
	// those that were never begun in the record: nothing of what follows is recorded.
	applies  []repair.Apply
	guessing map[string]string // target: its run

	runs     map[string]*recordedRun
	undoing  map[string]bool // recorded runs that took another back
	recorded map[string]*Episode
	order    []*Episode
	cases    map[string]*Episode // by the replay's episode ID
	open     map[alert.Fingerprint]*Episode
	alerts   map[string]alert.Fingerprint // by recorded episode
	skipped  map[string]int
}

// recordedRun is a run as it was.
type recordedRun struct {
	planned repair.Planned
	noops   map[int]bool
	intent  *repair.IntentData
}

// id is the next of the replay's own.
func (p *player) id() string {
	p.ids++
	return "replay-" + strconv.Itoa(p.ids)
}

// take takes one record.
func (p *player) take(r journal.Record) error {
	if r.At.Boot == "" && r.At.Since == 0 || r.Type == "genesis" {
		return nil
	}
	if r.Type == repair.TypeCarried {
		if p.engine == nil { // what was before is archived: its state is where it begins
			return p.st.Fold(r.Draft)
		}
		return nil
	}
	p.begin(r.At)
	if err := p.advance(r.At); err != nil {
		return err
	}
	if err := p.record(r); err != nil {
		return err
	}
	clear(p.told) // it was of that moment
	return nil
}

func (p *player) begin(at journal.Reading) {
	if p.engine != nil {
		return
	}
	p.now = at
	p.engine = repair.NewEngine(p.cfg, p.st, p.id)
	p.step(repair.Started{})
}

// maxWakes bounds what may happen between two records.
const maxWakes = 200_000

// advance lets the time pass until a record.
func (p *player) advance(to journal.Reading) error {
	for range maxWakes {
		in, ok := p.engine.Wake(p.now)
		if !ok || p.now.Boot != to.Boot || p.now.Since+in > to.Since {
			if p.now.Boot != to.Boot || p.now.Since < to.Since {
				p.now = to
			}
			p.step(repair.Ticked{})
			return nil
		}
		in = max(in, sample)
		if len(p.guessing) > 0 { // that nothing is known of it is known soon enough
			in = max(in, time.Second)
		}
		p.now.Since, p.now.Wall = p.now.Since+in, p.now.Wall.Add(in)
		p.step(repair.Ticked{})
	}
	return fmt.Errorf("more than %d things would have happened since the record before", maxWakes)
}

// step hands the engine an event, and what follows of it at once.
func (p *player) step(ev repair.Event) {
	p.event(ev)
	for p.answer() {
	}
}

func (p *player) event(ev repair.Event) {
	p.engine.Step(repair.Stamp{Now: p.now}, ev)
	ready, err := p.engine.Ready()
	if err != nil { // a record that cannot be encoded: it is not written either
		return
	}
	for _, d := range ready.Drafts {
		p.decided(d)
	}
	for _, f := range ready.Effects {
		switch f := f.(type) {
		case repair.Look:
			if f.Seeks {
				p.seeks = append(p.seeks, f)
				continue
			}
			target := f.Target.String()
			p.looks[target] = append(p.looks[target], f)
		case repair.Apply:
			p.apply(f)
		case repair.Poll:
			p.event(repair.Polled{})
		case repair.Survey:
			p.event(repair.Surveyed{})
		}
	}
}

// answer answers one look that can be; ok is false where none is left.
func (p *player) answer() (ok bool) {
	for _, target := range sorted(p.told) {
		if p.answerFor(target) {
			return true
		}
	}
	for _, target := range sorted(p.guessing) {
		if p.answerFor(target) {
			return true
		}
	}
	return false
}

func (p *player) answerFor(target string) bool {
	d := p.told[target]
	run, guessed := p.guessing[target]
	for i, l := range p.looks[target] {
		ev := repair.Looked{Look: l.ID}
		sampling := l.Intent != nil // of an intent that is under way
		switch {
		case sampling && guessed:
			ev.Err = notRecorded("how %s would have been after what run %s did", target, run)
		case d == nil, sampling && d.action != l.Spec.Name && !d.whole, !sampling && d.action != "" && !d.whole:
			continue // another record tells of it
		default:
			ev.Seen, ev.Err = d.look(l.Spec.Name, l.Target, p.now)
			if l.Verify != nil {
				ev.Verified = &repair.VerifyResult{True: d.verified, Believed: d.verified || d.notVerify, Says: "as it was recorded"}
			}
		}
		if p.looks[target] = slices.Delete(p.looks[target], i, i+1); len(p.looks[target]) == 0 {
			delete(p.looks, target)
		}
		p.event(ev)
		return true
	}
	return false
}

// apply is the replay's own intent: nothing is begun. Where the record has none like it
// at this moment, nothing that follows is recorded.
func (p *player) apply(f repair.Apply) {
	target := f.Intent.Target.String()
	if d := p.told[target]; d == nil || !d.allGo || d.done[f.Intent.Action] {
		p.guessing[target] = f.Intent.Run
		if ep := p.cases[f.Intent.Episode]; ep != nil {
			ep.Missing = fmt.Sprintf("not recorded: what %s would have come to", f.Intent.Action)
		}
		p.event(repair.Applied{Run: f.Intent.Run, Intent: f.Intent.ID})
		return
	}
	p.applies = append(p.applies, f)
}

func in[T any](data []byte, fn func(T)) error {
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	fn(v)
	return nil
}
