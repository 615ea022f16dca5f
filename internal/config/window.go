package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a zone's name means the same on a host that has no zones

	"github.com/fettle-io/fettle/internal/strictyaml"
	"github.com/fettle-io/fettle/repair"
)

// Window is a part of the week in which fettle may change what it names.
type Window struct {
	// What it is for; an empty list is all of them.
	Clusters  []string      `yaml:"clusters"`
	Playbooks []string      `yaml:"playbooks"`
	Tiers     []repair.Tier `yaml:"tiers"`
	// Days on which it opens: mon to sun, or mon-fri; empty: every day.
	Days []string `yaml:"days"`
	// From and To are HH:MM on a clock in Timezone; To before From is on the next day,
	// 24:00 is the end of the day.
	From string `yaml:"from"`
	To   string `yaml:"to"`
	// Timezone is a name of the IANA's: Europe/Berlin, or UTC.
	Timezone string `yaml:"timezone"`
	// Starts: the start of what is down waits for it too.
	Starts bool `yaml:"starts"`
}

// Windows are guards.window as the guard asks them.
func (c Config) Windows() []repair.Window { return c.windows }

var clockTime = regexp.MustCompile(`^([01][0-9]|2[0-3]):([0-5][0-9])$`)

// weekdays are the names that days have in the file, by time.Weekday.
func weekdays() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

func (k check) windows() {
	k.config.windows = nil
	for i, w := range k.config.Guards.Window {
		at := strictyaml.Path{"guards", "window", i}
		one := repair.Window{Clusters: w.Clusters, Playbooks: w.Playbooks, Tiers: w.Tiers, Starts: w.Starts, Days: k.days(at.Join("days"), w.Days)}
		k.names(at.Join("clusters"), w.Clusters)
		k.tierNames(at.Join("tiers"), w.Tiers)
		for j, name := range w.Playbooks {
			if !playbookName.MatchString(name) {
				k.doc.Errorf(at.Join("playbooks", j), "%s is no playbook's name: lower-case letters, digits and dashes", strictyaml.Clip(name))
			}
		}
		var fromOK, toOK bool
		one.From, fromOK = k.clock(at.Join("from"), w.From)
		if w.To == "24:00" {
			one.To, toOK = 24*60, true
		} else {
			one.To, toOK = k.clock(at.Join("to"), w.To)
		}
		if fromOK && toOK && one.From == one.To {
			k.doc.Errorf(at.Join("to"), "the window begins and ends at %s: for the whole day write from: 00:00 and to: 24:00", w.To)
		}
		one.Zone = k.zone(at.Join("timezone"), w.Timezone)
		k.config.windows = append(k.config.windows, one)
	}
}

// clock reads a time of the day, in minutes.
func (k check) clock(at strictyaml.Path, text string) (minutes int, ok bool) {
	m := clockTime.FindStringSubmatch(text)
	switch {
	case text == "":
		k.doc.Errorf(at, "the window has no %s: write a time of the day, like 22:00", at[len(at)-1])
	case m == nil:
		k.doc.Errorf(at, "%s is no time of the day: write hours and minutes, like 22:00 or 06:30", strictyaml.Clip(text))
	default:
		h, _ := strconv.Atoi(m[1])
		minutes, _ = strconv.Atoi(m[2])
		return 60*h + minutes, true
	}
	return 0, false
}

// zone finds a time zone. The machine's own is not taken: where the file says 22:00
// it is to mean the same on every machine.
func (k check) zone(at strictyaml.Path, name string) *time.Location {
	if name == "" {
		k.doc.Errorf(at, "the window has no timezone: write the one that its times are of, like Europe/Berlin or UTC")
		return time.UTC
	}
	loc, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		k.doc.Errorf(at, "unknown time zone %s: write a name of the IANA's list, like Europe/Berlin or UTC", strictyaml.Clip(name))
		return time.UTC
	}
	return loc
}

// days reads the days on which a window opens.
func (k check) days(at strictyaml.Path, list []string) (days [7]bool) {
	if len(list) == 0 {
		return [7]bool{true, true, true, true, true, true, true}
	}
	known := weekdays()
	for i, text := range list {
		first, last, isRange := strings.Cut(text, "-")
		from, to := slices.Index(known, first), slices.Index(known, last)
		if !isRange {
			to = from
		}
		if from < 0 || to < 0 {
			k.doc.Errorf(at.Join(i), "unknown day %s; known here: mon, tue, wed, thu, fri, sat, sun, and ranges like mon-fri", strictyaml.Clip(text))
			continue
		}
		for d := from; ; d = (d + 1) % 7 {
			days[d] = true
			if d == to {
				break
			}
		}
	}
	return days
}

// names refuses names in a list at path that are no cluster of the inventory.
func (k check) names(path strictyaml.Path, list []string) {
	known := k.clusterNames()
	for i, name := range list {
		if !slices.Contains(known, name) && !k.doc.Bad(strictyaml.Path{"clusters"}) {
			k.doc.Errorf(path.Join(i), "cluster %s is not in the inventory; %s", strictyaml.Clip(name), strictyaml.DidYouMean(name, known))
		}
	}
}

// tierNames refuses entries of a list at path that are no tier.
func (k check) tierNames(path strictyaml.Path, list []repair.Tier) {
	for i, t := range list {
		if t != repair.P0 && t != repair.P1 && t != repair.P2 {
			k.doc.Errorf(path.Join(i), "unknown tier %s; known here: P0, P1, P2", strictyaml.Clip(string(t)))
		}
	}
}
