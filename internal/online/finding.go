package online

import (
	"fmt"
	"time"
)

// State is how something was found.
type State string

// The states.
const (
	OK      State = "ok"
	Warning State = "warning"
	Problem State = "problem"
)

// Finding is one thing that was looked at.
type Finding struct {
	// Area is members, services, prometheus, rules, alertmanager, server, delivery,
	// clocks, certificates or deadlines.
	Area  string `json:"area"`
	State State  `json:"state"`
	// Where it is: CLUSTER/MEMBER, a URL, an alert, a file.
	Where string `json:"where"`
	Says  string `json:"says"`
	// Do is what to do about it.
	Do string `json:"do,omitempty"`
}

// found gathers findings, and tells each as it comes.
type found struct {
	all  []Finding
	tell func(Finding)
}

func (f *found) add(x Finding) {
	f.all = append(f.all, x)
	f.tell(x)
}

func (f *found) ok(area, where, format string, args ...any) {
	f.add(Finding{Area: area, State: OK, Where: where, Says: fmt.Sprintf(format, args...)})
}

func (f *found) warn(area, where, do, format string, args ...any) {
	f.add(Finding{Area: area, State: Warning, Where: where, Says: fmt.Sprintf(format, args...), Do: do})
}

func (f *found) problem(area, where, do, format string, args ...any) {
	f.add(Finding{Area: area, State: Problem, Where: where, Says: fmt.Sprintf(format, args...), Do: do})
}

const (
	// maxSkew is how far another clock may be off.
	maxSkew = 2 * time.Second
	// soon is when the end of a certificate is near.
	soon = 21 * 24 * time.Hour
)

// clock tells of another machine's clock. Its Date has whole seconds, and was taken at
// some time while we waited: both are allowed for.
func (f *found) clock(where string, date, asked time.Time, took time.Duration) {
	if date.IsZero() {
		return
	}
	ahead, behind := date.Sub(asked.Add(took)), asked.Sub(date.Add(time.Second))
	switch {
	case ahead > maxSkew:
		f.warn("clocks", where, "let both keep their time (chrony, systemd-timesyncd): Prometheus drops samples of another time, and people read journals side by side", "its clock is %s ahead of this machine's", ahead.Round(time.Second))
	case behind > maxSkew:
		f.warn("clocks", where, "let both keep their time (chrony, systemd-timesyncd): Prometheus drops samples of another time, and people read journals side by side", "its clock is %s behind this machine's", behind.Round(time.Second))
	}
}

// certificate tells of one that ends soon, or has ended.
func (f *found) certificate(where string, end, now time.Time) {
	switch left := end.Sub(now); {
	case end.IsZero():
	case left <= 0:
		f.problem("certificates", where, "renew it", "its certificate ended on %s", end.UTC().Format(time.DateOnly))
	case left < soon:
		f.warn("certificates", where, "renew it", "its certificate ends on %s, in %d days", end.UTC().Format(time.DateOnly), int(left.Hours()/24))
	}
}
