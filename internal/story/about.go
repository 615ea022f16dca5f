package story

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// About names what a record is about, for a journal.Index: its episode, or its
// episodes, and where a run opens the run. Of what is about none it is empty.
func About(r journal.Record) []string {
	switch r.Type {
	case repair.TypeCarried, repair.TypeMessage:
		return nil
	case repair.TypeHeld:
		var d repair.HeldData
		if json.Unmarshal(r.Data, &d) != nil {
			return nil
		}
		return d.Episodes
	case repair.TypeReceived:
		if !strings.Contains(string(r.Data), `"episode"`) {
			return nil // no playbook matched it
		}
	}
	n, ok := namesOf(r)
	switch {
	case !ok || n.Episode == "":
		return nil
	case r.Type == repair.TypePlanned:
		return []string{n.Episode, n.Run}
	}
	return []string{n.Episode}
}

// EpisodeOf finds in records that name a run the episode that it is of; empty: none
// of them opened it.
func EpisodeOf(records []journal.Record, run string) string {
	for _, r := range records {
		if n, ok := namesOf(r); ok && r.Type == repair.TypePlanned && n.Run == run {
			return n.Episode
		}
	}
	return ""
}

// Pick keeps of an episode's records, in order, those that tell of one of its runs,
// as Read does; without a run it keeps all. Records of other episodes are left out.
func Pick(records []journal.Record, episode, run string) []journal.Record {
	undoes := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(records), func(r journal.Record) bool {
		n, ok := namesOf(r)
		if ok && n.Undoes != "" && n.Undoes == run {
			undoes[n.Run] = true
		}
		return !of(n, ok, episode, run, undoes) && !holds(r, episode)
	})
}

// of tells whether a record with these names belongs to the story of a run.
func of(n names, ok bool, episode, run string, undoes map[string]bool) bool {
	return ok && n.Episode == episode && (run == "" || n.Run == "" || n.Run == run || undoes[n.Run])
}
