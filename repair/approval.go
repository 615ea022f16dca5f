package repair

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/fettle-io/fettle/cluster"
)

// approval is what people have given to an episode's premise (rule 23).
type approval struct {
	premise Premise
	given   []Given
	run     string // made an intent under it; empty: none yet
}

// Given is one person's approval.
type Given struct {
	Actor   string        `json:"actor"`
	At      time.Duration `json:"at"` // on the fold's clock
	Wall    time.Time     `json:"wall"`
	Boot    string        `json:"boot"`
	Comment string        `json:"comment,omitempty"`
}

// basis is what a premise is made of: the steps that would be done, from one on, and
// what was seen just now.
type basis struct {
	playbook *Playbook
	target   cluster.Target
	steps    []PlannedStep
	step     int
	seen     Sighting
}

// waits is an answer that a person has to approve. Nothing of it outlives the process,
// it is seen again.
type waits struct {
	basis
	verdicts []Verdict
}

// Waiting is what an open episode waits for a person to approve.
type Waiting struct {
	Premise  Premise
	Verdicts []Verdict // of every guard, in order
	Given    []Given   // so far, as far as it counts
	Needed   int       // people in all
	Valid    time.Duration

	now time.Duration
}

// Left is for how long an approval counts unless it is used.
func (w Waiting) Left(g Given) time.Duration { return max(0, g.At+w.Valid-w.now) }

// ApprovedBy is what an approval came to.
type ApprovedBy struct {
	By     []string // all who have approved it by now
	Needed int      // people in all
}

// Waiting is what an open episode waits for; ok is false where it waits for no
// approval, or was not looked at yet since the start.
func (e *Engine) Waiting(episode string) (w Waiting, ok bool) {
	ep := e.st.episodes[episode]
	if ep == nil || ep.Run != "" || ep.quiet.waits == nil {
		return w, false
	}
	at := ep.quiet.waits
	set := e.settings(at.playbook, at.target.Cluster.Name)
	asking := asksApproval(at.verdicts)
	w = Waiting{Premise: e.premise(at.basis, asking), Verdicts: at.verdicts, Needed: max(1, set.Approvers), Valid: set.ApprovalValid, now: e.now}
	if a := e.st.approvals[ep.ID]; a != nil && covers(a.premise.Guards, asking) {
		if same := e.premise(at.basis, a.premise.Guards); same.Digest == a.premise.Digest {
			w.Premise, w.Given = same, e.counting(a, set)
		}
	}
	ep.quiet.shown = remember(ep.quiet.shown, w.Premise)
	return w, true
}

// maxShown is how many premises of an episode are remembered: who approves one that is
// no longer the present one learns what changed.
const maxShown = 4

func remember(shown []Premise, p Premise) []Premise {
	if slices.ContainsFunc(shown, func(o Premise) bool { return o.Digest == p.Digest }) {
		return shown
	}
	if len(shown) == maxShown {
		shown = slices.Clone(shown[1:])
	}
	return append(shown, p)
}

// asksApproval are the guards that an approval would release, sorted.
func asksApproval(verdicts []Verdict) []string {
	var out []string
	for _, v := range verdicts {
		if approvable(v) {
			out = append(out, v.Guard)
		}
	}
	slices.Sort(out)
	return out
}

// approvable tells a refusal that an approval releases: no other is.
func approvable(v Verdict) bool {
	return !v.OK && !v.Passing && !v.Observed && (v.Reason == ReasonApproval || mutant("an approval releases every refusal"))
}

func covers(have, want []string) bool {
	return !slices.ContainsFunc(want, func(g string) bool { return !slices.Contains(have, g) })
}

// premise puts into words what would be done, and what of the world it rests on: an
// index, a term or an uptime changes by itself and is left out.
func (e *Engine) premise(b basis, guards []string) Premise {
	words := []string{"playbook " + b.playbook.Name + " " + b.playbook.Digest, "target " + b.target.String()}
	if name := b.target.Cluster.Name; name != "" {
		words = append(words, "inventory entry "+name+" "+b.target.Cluster.Digest()) // the target's own: a reload may have come since
	}
	for n := b.step; n < len(b.steps); n++ {
		words = append(words, fmt.Sprintf("step %d %s", n+1, b.steps[n]))
	}
	if v := b.seen.Facts.View; v != nil {
		words = append(words, viewWords(*v, b.target.Member.Name)...)
	}
	words = append(words, "asked for by "+strings.Join(guards, ", "))
	sum := sha256.New()
	for _, w := range words {
		sum.Write([]byte(w + "\n"))
	}
	return Premise{Digest: "sha256:" + hex.EncodeToString(sum.Sum(nil)), Words: words, Guards: guards, Step: b.step}
}

// viewWords are a cluster's members, their roles, versions and alarms. Of the target it
// says no version: whether it answers at this moment is why it is repaired.
func viewWords(v cluster.View, target string) []string {
	words := []string{"cluster " + v.Cluster + " id " + orNone(v.ID)}
	leader, _ := v.Leader()
	for _, m := range v.Members {
		role := "voter"
		if m.Learner {
			role = "learner"
		}
		if m.ID != "" && m.ID == leader.ID {
			role += ", leader"
		}
		text := "member " + m.Name + " id " + orNone(m.ID) + ": " + role
		if m.Name != target {
			text += ", version " + orNone(m.Version)
		}
		if len(m.Alarms) > 0 {
			text += ", alarms " + strings.Join(slices.Sorted(slices.Values(m.Alarms)), " ")
		}
		words = append(words, text)
	}
	for _, u := range slices.Sorted(slices.Values(v.Unlisted)) {
		words = append(words, "member "+clean(u)+" is not in the inventory")
	}
	if len(v.UnlistedAlarms) > 0 {
		words = append(words, "alarms of those "+strings.Join(slices.Sorted(slices.Values(v.UnlistedAlarms)), " "))
	}
	return words
}

func orNone(s string) string {
	if s == "" {
		return "not told"
	}
	return clean(s)
}

// clean is a text that came over the network on one line.
func clean(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// counting are the approvals that count now: in time, and of this boot.
func (e *Engine) counting(a *approval, set Settings) []Given {
	var out []Given
	for _, g := range a.given {
		if e.void(a, g, set) == "" {
			out = append(out, g)
		}
	}
	return out
}

// void is why an approval counts no more by itself; empty: it does. A run that has
// begun under it goes on.
func (e *Engine) void(a *approval, g Given, set Settings) string {
	switch {
	case g.Boot != e.stamp.Now.Boot && !mutant("an approval outlives a reboot"):
		return voidReboot
	case a.run == "" && e.now-g.At > set.ApprovalValid && !mutant("an expired approval counts"):
		return voidExpired
	}
	return ""
}

// asker is the open episode that the guards are asked for.
type asker struct {
	ep    *Episode
	steps []PlannedStep
	step  int
	used  *UsedApproval // what released a refusal; nil: none had to be
}

// approved puts into the verdicts what people have approved, where that holds: enough
// of them, in time, for this very premise, and used by no other run. What holds no
// longer is recorded as void.
func (e *Engine) approved(verdicts []Verdict, q Question) {
	who := q.who
	if who == nil || who.ep == nil || e.st.episodes[who.ep.ID] == nil || e.st.approvals[who.ep.ID] == nil {
		return
	}
	a := e.st.approvals[who.ep.ID]
	e.voidWhat(who.ep, a, q.Target, func(g Given) string { return e.void(a, g, q.Settings) }, "")
	asking := asksApproval(verdicts)
	if len(asking) == 0 || len(a.given) == 0 {
		return
	}
	if a.run == "" {
		guards := a.premise.Guards
		if !covers(guards, asking) {
			guards = asking
		}
		now := e.premise(basis{q.Playbook, q.Target, who.steps, who.step, q.Seen}, guards)
		if now.Digest != a.premise.Digest && !mutant("the premise is not compared") {
			e.voidWhat(who.ep, a, q.Target, func(Given) string { return voidChanged }, changedWords(a.premise, now))
			return
		}
	} else if a.run != q.Run || who.step < a.premise.Step || !covers(a.premise.Guards, asking) {
		return // it was for what that run has begun, and nothing else
	}
	people := e.counting(a, q.Settings)
	if len(people) < max(1, q.Settings.Approvers) {
		return
	}
	who.used = &UsedApproval{Premise: a.premise.Digest}
	for _, g := range people {
		who.used.By = append(who.used.By, g.Actor)
	}
	for n := range verdicts {
		if approvable(verdicts[n]) {
			verdicts[n] = Verdict{Guard: verdicts[n].Guard, OK: true, Detail: "approved by " + strings.Join(who.used.By, " and ")}
		}
	}
}

// voidWhat records those approvals that are void, together where they are for the
// same reason.
func (e *Engine) voidWhat(ep *Episode, a *approval, t cluster.Target, why func(Given) string, detail string) {
	actors := map[string][]string{}
	for _, g := range a.given {
		if reason := why(g); reason != "" {
			actors[reason] = append(actors[reason], g.Actor)
		}
	}
	for _, reason := range []string{voidReboot, voidExpired, voidChanged} {
		if len(actors[reason]) > 0 {
			e.record(TypeVoid, "episode/"+ep.ID, VoidData{
				Episode: ep.ID, Target: t.String(), Actors: actors[reason], Reason: reason, Detail: detail, Premise: a.premise.Digest,
			})
		}
	}
}

// changedWords says what of a premise changed.
func changedWords(was, now Premise) string {
	var out []string
	for _, w := range was.Words {
		if !slices.Contains(now.Words, w) {
			out = append(out, "was: "+w)
		}
	}
	for _, w := range now.Words {
		if !slices.Contains(was.Words, w) {
			out = append(out, "is: "+w)
		}
	}
	return strings.Join(out, "; ")
}

// giveApproval takes a person's approval, and asks the episode at once.
func (e *Engine) giveApproval(ev GiveApproval) (by ApprovedBy, err error) {
	ep := e.st.episodes[ev.Episode]
	if ep == nil {
		return by, fmt.Errorf("%w: no open episode %q", ErrNotFound, ev.Episode)
	}
	w, ok := e.Waiting(ep.ID)
	if !ok {
		return by, refusef("episode %s waits for no approval: %s", ep.ID, e.insteadOfApproval(ep))
	}
	if w.Premise.Digest != ev.Premise {
		i := slices.IndexFunc(ep.quiet.shown, func(p Premise) bool { return p.Digest == ev.Premise })
		if i < 0 {
			return by, refusef("the premise is not the one that episode %s waits with (%s): look at it again", ep.ID, w.Premise.Digest)
		}
		return by, refusef("the world changed: %s. Look at it again", changedWords(ep.quiet.shown[i], w.Premise))
	}
	if slices.ContainsFunc(w.Given, func(g Given) bool { return samePerson(g.Actor, ev.Actor) }) && !mutant("one person counts twice") {
		more := ""
		if len(w.Given) < w.Needed {
			more = "; another person has to"
		}
		return by, refusef("%s has approved this already%s", ev.Actor, more)
	}
	target := ep.quiet.waits.target
	if a := e.st.approvals[ep.ID]; a != nil { // what counts no more is not counted together with this one
		set := e.settingsOf(ep)
		e.voidWhat(ep, a, target, func(g Given) string {
			if a.premise.Digest != w.Premise.Digest {
				return voidChanged
			}
			return e.void(a, g, set)
		}, changedWords(a.premise, w.Premise))
	}
	e.record(TypeApproved, "episode/"+ep.ID, ApprovedData{Episode: ep.ID, Target: target.String(), Actor: ev.Actor, Comment: ev.Comment, Premise: w.Premise})
	if ep.ask != nil {
		e.askBy(ep.ask, e.now)
	}
	by.Needed = w.Needed
	for _, g := range append(w.Given, Given{Actor: ev.Actor}) {
		by.By = append(by.By, g.Actor)
	}
	return by, nil
}

// samePerson tells that two actors may be one person: at the unix socket only the user ID
// is known, and who may be root there may be fettle's user as well.
func samePerson(a, b string) bool {
	return a == b || strings.HasPrefix(a, atSocket) && strings.HasPrefix(b, atSocket)
}

// atSocket is what the name of whoever came over the unix socket begins with.
const atSocket = "unix:"

// insteadOfApproval says what an episode waits for that waits for no approval.
func (e *Engine) insteadOfApproval(ep *Episode) string {
	given := ""
	if a := e.st.approvals[ep.ID]; a != nil && len(a.given) > 0 {
		given = "it has been approved by " + a.given[0].Actor + "; "
	}
	switch {
	case ep.Run != "":
		return given + "its run " + ep.Run + " is live"
	case ep.Last != nil && ep.Last.Reason == ReasonApproval:
		return given + "it was not looked at again yet; try again in a few seconds"
	case ep.Last != nil:
		return given + "its last answer is " + ep.Last.Guard + "(" + ep.Last.Reason + "): " + ep.Last.Detail
	case ep.ask == nil || ep.quiet.inOrder < 0:
		return given + "it has not been looked at yet, or nothing of it was refused"
	}
	return given + "its target is in order"
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// String is a planned step as a person reads it: its action, and exactly what it does.
func (s PlannedStep) String() string {
	var b strings.Builder
	b.WriteString(s.Name + ": " + s.Action)
	if len(s.Declared) > 0 {
		b.WriteString(" " + string(s.Declared))
	}
	for _, name := range sortedKeys(s.With) {
		fmt.Fprintf(&b, " %s=%q", name, s.With[name])
	}
	if s.Undo != nil {
		b.WriteString(", taken back by " + string(s.Undo.Declared))
	}
	if s.Undoes != nil {
		b.WriteString(", takes back intent " + s.Undoes.Intent + " of run " + s.Undoes.Run)
	}
	return b.String()
}
