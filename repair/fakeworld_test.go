package repair_test

import (
	"encoding/json"
	"fmt"
	"sort"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/guard"
)

// fakeMember is a fake etcd member: what the engine's actions would see of one.
type fakeMember struct {
	name     string
	up       bool
	hung     bool
	pid      int
	born     time.Duration
	stopped  string // on purpose
	restart  bool   // systemd is about to start it itself
	proof    cluster.Proof
	promGone cluster.Answer // "": follows the truth
	applied  int            // starts that took effect
	killed   int
	startIn  time.Duration   // a start takes effect after this
	startAt  time.Duration   // pending start; 0: none
	startsIn []time.Duration // the next starts' own delays, before startIn
	broken   bool            // starts die at once
	port     time.Duration   // until then its port stays bound: starts die at once
	noAnswer bool            // runs, replays its log, answers nothing
	untold   bool            // its service manager cannot tell
	wake     time.Duration   // when a hung one goes on, or a replay is over; 0: never
}

// tester is what testing.T and rapid.T have in common.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// fakeWorld is a fake cluster with injected time, driving the real engine the way
// the sequencer does: records first, then effects.
type fakeWorld struct {
	t       tester
	now     time.Duration
	wall    time.Time
	boot    string
	brake   bool
	held    string // why nothing new may begin
	full    string // why nothing may but what takes back
	members []*fakeMember
	engine  *repair.Engine
	cfg     repair.Config
	set     repair.Settings
	level   repair.Autonomy
	drafts  []journal.Draft
	notes   []repair.Note
	ids     int
	lookErr error
	effects []repair.Effect
	// crash, if set, is asked before each effect: true loses it and restarts the engine.
	crash func(repair.Effect) bool
	// applyErr is what Apply answers, after its effect.
	applyErr error
	// mute has Apply take effect and never answer.
	mute    bool
	sources []repair.PollSource
	// notify is systemd's TimeoutStartSec for Type=notify: a process that sees no
	// leader for so long is killed; 0: no such thing.
	notify time.Duration
	// lookTook passes between a look's first question and its answer.
	lookTook time.Duration
	// applyLate is how late an executor begins an intent that it was handed.
	applyLate time.Duration
	late      []lateApply
	// verify is what Prometheus says.
	verify func(repair.Verification) repair.VerifyResult
	// watch sees every effect just before it begins, and drawn every draft.
	watch func(repair.Effect)
	// fleet is what a look at the whole inventory says; nil: the truth.
	fleet *repair.Fleet
	// slowSurvey has that look not answered; surveys counts them.
	slowSurvey bool
	surveys    int
	drawn      func(journal.Draft)
}

type memberSeen struct {
	Up, Hung      bool
	Leader        bool // it serves
	ClusterLeader bool // somebody does
	PID           int
	Age           time.Duration
}

func defaults() repair.Settings {
	return repair.Settings{
		Look: 5 * time.Second, Deadline: 60 * time.Second, Sample: 100 * time.Millisecond,
		Settle: 60 * time.Second, Cooldown: 10 * time.Minute, Attempts: 3, AttemptsWithin: 15 * time.Minute, StepAttempts: 2,
		EagerLooks: 3, EagerGap: 2 * time.Second, NotAfter: 5 * time.Second, ViewAge: 5 * time.Second, CommitLag: 1000, LiveRuns: 10,
		StillActive: 5 * time.Minute, QuietInOrder: 10 * time.Minute, Forget: 24 * time.Hour, ReopenClosed: 4 * time.Hour,
		PollEvery: 30 * time.Second, PollClosed: time.Hour, PollLeftOut: 10 * time.Minute, ReasonsRecord: time.Hour,
		RefusalRuns: 10, Approvers: 1, ApprovalValid: 15 * time.Minute, EscalateEvery: time.Minute,
	}
}

func newWorld(t tester, n int) *fakeWorld {
	w := &fakeWorld{t: t, now: time.Hour, wall: time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC), boot: "boot-1", set: defaults(), level: repair.Auto}
	c := cluster.Cluster{Name: "demo", Kind: cluster.KindEtcd}
	for i := 1; i <= n; i++ {
		name := fmt.Sprintf("m%d", i)
		w.members = append(w.members, &fakeMember{name: name, up: true, pid: i, proof: cluster.Proof{Answer: cluster.Yes}})
		c.Members = append(c.Members, cluster.Member{Name: name, Host: "h", Endpoint: "http://127.0.0.1:1"})
	}
	w.cfg = repair.Config{
		Inventory: cluster.Inventory{Clusters: []cluster.Cluster{c}},
		Actions: map[string]repair.ActionSpec{
			"member-end-hung": {Name: "member-end-hung", Sees: "member/1", Kind: cluster.KindEtcd, Disturbs: cluster.DisturbsCluster, Does: repair.Takes, Action: fakeEnd{w}},
			"member-start":    {Name: "member-start", Sees: "member/1", Kind: cluster.KindEtcd, Disturbs: cluster.DisturbsCluster, Does: repair.Starts, Action: fakeStart{w}},
		},
		Guards:   guard.Table(guard.Options{KnownBad: func(_ cluster.Kind, v string) (string, bool) { return "it loses data when restarted", v == "3.5.1" }}),
		Autonomy: func(string, string, repair.Tier) repair.Autonomy { return w.level },
		Settings: func(repair.Tier, string, string) repair.Settings { return w.set },
		Version:  "test",
	}
	w.cfg.Playbooks = []*repair.Playbook{w.playbook(`
name: etcd-member-restart
version: 1
description: A dead member is started, a hung one ended first.
on: ['alertname="FettleRaftMemberDown"']
labels:
  cluster: {pattern: '[a-z0-9-]+'}
  member: {pattern: '[a-z0-9-]+'}
target: {kind: etcd, cluster: $cluster, member: $member}
tier: P0
autonomy: auto
steps:
  - {name: end-hung, action: member-end-hung}
  - {name: start, action: member-start}
`)}
	w.restart()
	return w
}

func (w *fakeWorld) playbook(text string) *repair.Playbook {
	p, err := repair.LoadPlaybook("etcd-member-restart", []byte(text), w.cfg.Actions, parse)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// restart is a fettle that starts anew over the journal so far.
func (w *fakeWorld) restart() {
	w.effects = nil
	for i := range w.late {
		w.late[i].lost = true
	}
	st := fold(w.t, w.drafts)
	w.engine = repair.NewEngine(w.cfg, st, func() string { w.ids++; return fmt.Sprintf("id-%04d", w.ids) })
	w.step(repair.Started{})
}

// newSegment leaves of the journal the segment that would begin now.
func (w *fakeWorld) newSegment() {
	drafts, err := w.engine.State().Carry(w.reading(), func() string { return "c" })
	if err != nil {
		w.t.Fatal(err)
	}
	w.drafts = drafts
}

func (w *fakeWorld) reading() journal.Reading {
	return journal.Reading{Wall: w.wall.Add(w.now), Boot: w.boot, Since: w.now}
}

func (w *fakeWorld) step(ev repair.Event) repair.Answer {
	a := w.engine.Step(repair.Stamp{Now: w.reading(), Brake: w.brake, Held: w.held, Full: w.full}, ev)
	r, err := w.engine.Ready()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range r.Drafts {
		if w.drawn != nil {
			w.drawn(d)
		}
	}
	w.drafts = append(w.drafts, r.Drafts...)
	w.notes = append(w.notes, r.Notes...)
	w.effects = append(w.effects, r.Effects...)
	return a
}

// run drives for d of simulated time.
func (w *fakeWorld) run(d time.Duration) {
	end := w.now + d
	for turns := 0; turns < 200000; turns++ {
		if len(w.effects) > 0 && w.now <= end {
			f := w.effects[0]
			w.effects = w.effects[1:]
			if w.crash != nil && w.crash(f) {
				w.restart()
				continue
			}
			w.begin(f)
			continue
		}
		in, ok := w.engine.Wake(w.reading())
		next := end
		if ok && w.now+in < end {
			next = w.now + in
		}
		if len(w.late) > 0 {
			next = max(w.now, min(next, w.late[0].at))
		}
		w.advance(next)
		w.beginLate()
		if w.now >= end {
			return
		}
		w.step(repair.Ticked{})
	}
	w.t.Fatal("the engine is spinning")
}

func (w *fakeWorld) member(name string) *fakeMember {
	for _, m := range w.members {
		if m.name == name {
			return m
		}
	}
	w.t.Fatalf("no member %s", name)
	return nil
}

func (w *fakeWorld) serving(m *fakeMember) bool {
	if !m.up || m.hung || m.noAnswer {
		return false
	}
	n := 0
	for _, o := range w.members {
		if o.up && !o.hung && !o.noAnswer {
			n++
		}
	}
	return n >= len(w.members)/2+1
}

// look is what the member actions would see.
func (w *fakeWorld) look(t cluster.Target) (repair.Sighting, error) {
	if w.lookErr != nil {
		return repair.Sighting{}, w.lookErr
	}
	view := cluster.View{Cluster: t.Cluster.Name, ID: "c"}
	leader := ""
	for _, m := range w.members {
		if w.serving(m) && leader == "" {
			leader = m.name
		}
	}
	var sights []cluster.Sight
	for _, m := range w.members {
		mv := cluster.MemberView{Name: m.name, ID: m.name, Reachable: m.up && !m.hung && !m.noAnswer}
		if mv.Reachable {
			mv.Leader, mv.Term, mv.Commit, mv.Applied, mv.Version = leader, 2, 100, 100, "3.5.21"
			if leader == "" {
				mv.Leader = ""
			}
		}
		view.Members = append(view.Members, mv)
		sights = append(sights, w.sight(m))
	}
	sort.SliceStable(sights, func(i, j int) bool { return sights[i].Member == t.Member.Name })
	m := w.member(t.Member.Name)
	seen := memberSeen{Up: m.up, Hung: m.hung, Leader: w.serving(m), ClusterLeader: leader != "", PID: m.pid, Age: w.now - m.born}
	o, err := repair.Observed("member/1", fmt.Sprintf("%+v", seen), seen)
	return repair.Sighting{Asked: w.reading(), Observation: o, Facts: repair.Facts{View: &view, Sights: sights}}, err
}

// survey looks at all members.
func (w *fakeWorld) survey() repair.Fleet {
	f := repair.Fleet{Running: len(w.members)}
	for _, m := range w.members {
		if !m.up || m.hung || m.noAnswer {
			f.Failing++
		}
	}
	if w.fleet != nil {
		f = *w.fleet
	}
	f.Asked = w.reading()
	return f
}

func (w *fakeWorld) sight(m *fakeMember) cluster.Sight {
	s := cluster.Sight{Member: m.name, Alive: m.up && !m.hung, Hung: m.hung, Proof: m.proof, GoneByPrometheus: m.promGone}
	gone := cluster.No
	if !m.up || m.hung || m.noAnswer {
		gone = cluster.Yes
	}
	s.GoneByProbe, s.GoneByPeer = gone, gone
	if m.promGone == "" {
		s.GoneByPrometheus = gone
	}
	switch {
	case m.untold && !m.up:
		s.Service = cluster.Service{State: cluster.ServiceUnknown}
	case m.up && w.notify > 0 && !m.hung && !w.serving(m): // not READY
		s.Service = cluster.Service{State: cluster.ServiceStarting, Busy: true, Identity: fmt.Sprint(m.pid), Age: w.now - m.born}
		s.Proof = cluster.Proof{Answer: cluster.No, Reason: "process-runs"}
	case m.up:
		s.Service = cluster.Service{State: cluster.ServiceRunning, Identity: fmt.Sprint(m.pid), Age: w.now - m.born}
		s.Proof = cluster.Proof{Answer: cluster.No, Reason: "process-runs"}
	case m.stopped != "":
		s.Service = cluster.Service{State: cluster.ServiceStopped, Purpose: m.stopped}
	case m.restart:
		s.Service = cluster.Service{State: cluster.ServiceAutoRestart}
	case m.startAt > 0:
		s.Service = cluster.Service{State: cluster.ServiceStarting, Busy: true}
		s.Proof = cluster.Proof{Answer: cluster.No, Reason: "process-runs"}
	default:
		s.Service = cluster.Service{State: cluster.ServiceDead}
	}
	return s
}

func (w *fakeWorld) kill(name string) {
	m := w.member(name)
	m.up, m.hung, m.noAnswer, m.wake = false, false, false, 0
}

func downLabels(member string) map[string]string {
	return map[string]string{"alertname": "FettleRaftMemberDown", "cluster": "demo", "member": member, "tier": "P0"}
}

// send is one message with one alert.
func (w *fakeWorld) send(status alert.Status, labels map[string]string) repair.MessageEnd {
	w.ids++
	a := alert.Alert{Fingerprint: alert.FingerprintOf(labels), Status: status, Labels: labels}
	return w.step(repair.Alerts{Message: fmt.Sprintf("msg-%d", w.ids), Actor: "test", Alerts: []alert.Alert{a}, End: &repair.MessageEnd{}}).Message
}

// finished lists the outcomes so far, as "outcome" or "outcome(guard/reason)".
func (w *fakeWorld) finished() []string {
	var out []string
	w.each(repair.TypeFinished, func(b []byte) {
		var f repair.FinishedData
		w.decode(b, &f)
		s := string(f.Outcome)
		if f.Guard != "" {
			s += "(" + f.Guard + "/" + f.Reason + ")"
		}
		out = append(out, s)
	})
	return out
}

func (w *fakeWorld) closed() []string {
	var out []string
	w.each(repair.TypeClosed, func(b []byte) {
		var c repair.ClosedData
		w.decode(b, &c)
		out = append(out, c.Reason)
	})
	return out
}

func (w *fakeWorld) count(typ string) (n int) {
	w.each(typ, func([]byte) { n++ })
	return n
}

func (w *fakeWorld) each(typ string, fn func([]byte)) {
	for _, d := range w.drafts {
		if d.Type == typ {
			fn(d.Data)
		}
	}
}

func (w *fakeWorld) decode(b []byte, v any) {
	if err := json.Unmarshal(b, v); err != nil {
		w.t.Fatal(err)
	}
}
