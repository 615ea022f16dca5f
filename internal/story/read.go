package story

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// ErrNotFound says that a journal tells nothing of what was asked for.
var ErrNotFound = errors.New("the journal knows no such run, episode or alert")

// maxUnmatched is how many deliveries of an alert without an episode are returned.
const maxUnmatched = 20

// Read returns, from a journal's files, the records of what id names: a run, an
// episode, an alert's fingerprint, the beginning of an alert's name, or
// CLUSTER/MEMBER. Of several episodes it is the open one, else the newest. A
// run's records are those of its episode without the other runs', but for those that
// take it back. Of an alert that no playbook matches they are its last deliveries.
// What went to an archive is not looked for. It works beside a running writer.
func Read(dir, id string) ([]journal.Record, error) {
	if id == "" {
		return nil, ErrNotFound
	}
	begin, err := journal.First(dir)
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	f := finder{id: id, closed: map[string]bool{}}
	if err := journal.Read(dir, begin, f.find); err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	episode, run := f.chosen()
	if episode == "" {
		if len(f.unmatched) == 0 {
			return nil, fmt.Errorf("%q: %w", id, ErrNotFound)
		}
		return f.unmatched, nil
	}
	var records []journal.Record
	undoes := map[string]bool{} // runs that take it back
	err = journal.Read(dir, begin, func(r journal.Record) error {
		n, ok := namesOf(r)
		if ok && n.Undoes != "" && n.Undoes == run {
			undoes[n.Run] = true
		}
		if of(n, ok, episode, run, undoes) || holds(r, episode) {
			records = append(records, clone(r))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	return records, nil
}

// holds tells a record of a refusal that holds many episodes, this one among them.
func holds(r journal.Record, episode string) bool {
	if r.Type != repair.TypeHeld || !strings.Contains(string(r.Data), episode) {
		return false
	}
	var d repair.HeldData
	return json.Unmarshal(r.Data, &d) == nil && slices.Contains(d.Episodes, episode)
}

// names are what a record is about.
type names struct {
	Episode     string            `json:"episode"`
	Run         string            `json:"run"`
	Undoes      string            `json:"undoes"`
	Fingerprint string            `json:"fingerprint"`
	Target      string            `json:"target"`
	Labels      map[string]string `json:"labels"`
}

// namesOf reads them; ok is false for a record that is about no alert.
func namesOf(r journal.Record) (n names, ok bool) {
	if r.Type != repair.TypeReceived && !strings.Contains(string(r.Data), `"episode"`) {
		return n, false
	}
	return n, json.Unmarshal(r.Data, &n) == nil
}

// finder looks for the episode that an id means.
type finder struct {
	id string
	// exact is the episode whose id it is, or that of the run whose id it is.
	exact, run string
	loose      []string // episodes whose alert or target it names, the newest last
	closed     map[string]bool
	unmatched  []journal.Record
}

func (f *finder) find(r journal.Record) error {
	n, ok := namesOf(r)
	if !ok {
		return nil
	}
	named := n.Fingerprint == f.id || strings.HasPrefix(n.Labels["alertname"], f.id) || n.Target == f.id
	switch {
	case n.Episode == "":
		if named {
			f.unmatched = append(f.unmatched, clone(r))
			f.unmatched = f.unmatched[max(0, len(f.unmatched)-maxUnmatched):]
		}
	case n.Run == f.id:
		f.exact, f.run = n.Episode, n.Run
	case n.Episode == f.id:
		f.exact = n.Episode
	case named:
		if !slices.Contains(f.loose, n.Episode) {
			f.loose = append(f.loose, n.Episode)
		}
	}
	if r.Type == repair.TypeClosed {
		f.closed[n.Episode] = true
	}
	return nil
}

func (f *finder) chosen() (episode, run string) {
	if f.exact != "" {
		return f.exact, f.run
	}
	for _, e := range f.loose {
		if episode == "" || !f.closed[e] || f.closed[episode] {
			episode = e
		}
	}
	return episode, ""
}

func clone(r journal.Record) journal.Record {
	r.Data, r.Line = slices.Clone(r.Data), slices.Clone(r.Line)
	return r
}
