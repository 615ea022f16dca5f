package exporter

import (
	"errors"
	"regexp"

	"github.com/fettle-io/fettle/cluster"
)

const (
	// DefaultUnitAllow are the units that are told of unless told otherwise, as a
	// regular expression over whole names.
	DefaultUnitAllow = `.+\.(service|socket|timer|mount)`
	// DefaultUnitDeny are those of them that are left out: what lives as long as a
	// session, a connection or a crash would be a new series each time.
	DefaultUnitDeny = `(run-|user@|user-runtime-dir@|systemd-coredump@|sshd@|drkonqi-).+`
)

// Units says which of the machine's units are told of. The zero value is the
// defaults, and no members.
type Units struct {
	Allow, Deny *regexp.Regexp // over whole names, see [WholeName]; nil: the default
	// Members are the inventory's services on this machine, by their unit.
	Members []cluster.Target

	bus string // the bus to ask, as D-Bus writes addresses; empty: the system bus
}

// WholeName compiles a pattern that a name has to match from its first to its last
// character.
func WholeName(pattern string) (*regexp.Regexp, error) {
	return regexp.Compile("^(?:" + pattern + ")$")
}

// errNotBooted is the answer on a machine that systemd does not run.
var errNotBooted = errors.New("this machine is not run by systemd")

// listedUnit is what systemd lists of a unit, in the order in which it sends it.
type listedUnit struct {
	Name, Description, Load, Active, Sub, Followed string

	Path    string // of its object on the bus
	JobID   uint32
	JobType string
	JobPath string
}

// maxUnits bounds the series of one machine.
const maxUnits = 500

var (
	// unitWord is what systemd's own states look like, which are labels.
	unitWord = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	// unitChars are the characters that a unit's name can have; escapes are among them.
	unitChars = regexp.MustCompile(`^[A-Za-z0-9:_.\\@-]{1,255}$`)
)

// choice is which units are told of.
type choice struct{ allow, deny *regexp.Regexp }

func (u Units) choice() choice {
	c := choice{u.Allow, u.Deny}
	if c.allow == nil {
		c.allow = regexp.MustCompile("^(?:" + DefaultUnitAllow + ")$")
	}
	if c.deny == nil {
		c.deny = regexp.MustCompile("^(?:" + DefaultUnitDeny + ")$")
	}
	return c
}

// of picks the units to tell of and counts those that are too many. all is sorted
// by name, so that it is the same ones each time.
func (c choice) of(all []listedUnit) (chosen []listedUnit, leftOut int) {
	for i, u := range all {
		switch {
		case u.Load == "not-found": // only named by another unit
		case !c.allow.MatchString(u.Name), c.deny.MatchString(u.Name):
		case i > 0 && all[i-1].Name == u.Name:
		case !unitChars.MatchString(u.Name), len(chosen) == maxUnits:
			leftOut++
		default:
			chosen = append(chosen, u)
		}
	}
	return chosen, leftOut
}

// word is a word of systemd's as a label: what does not look like one is "other".
func word(s string) string {
	if unitWord.MatchString(s) {
		return s
	}
	return "other"
}

// unitStates are the values of the label `state`.
func unitStates() []string {
	return []string{"active", "activating", "deactivating", "failed", "inactive"}
}

// unitState folds systemd's states into those of the label: what is reloading still
// runs. What it does not know is none of them.
func unitState(active string) string {
	switch active {
	case "reloading", "refreshing":
		return "active"
	case "maintenance":
		return "inactive"
	}
	return active
}
