package repair_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

const mixinPlaybook = `name: etcd-member-restart
version: 1
description: As the one that comes with fettle.
on: ['alertname=~"FettleRaftMemberDown|etcdMembersDown"']
labels:
  cluster: {pattern: '[a-z0-9-]+'}
  member: {pattern: '[A-Za-z0-9.-]+'}
  instance: {pattern: '[A-Za-z0-9.:-]+'}
target: {kind: etcd, cluster: $cluster, member: $member, instance: $instance, unnamed: one-down}
tier: P0
autonomy: auto
steps:
  - {name: end-hung, action: member-end-hung}
  - {name: start, action: member-start}
`

// mixinWorld is one whose playbook also takes alerts that name no member.
func mixinWorld(t *testing.T, n int) *fakeWorld {
	w := newWorld(t, n)
	w.cfg.Playbooks = []*repair.Playbook{w.playbook(mixinPlaybook)}
	for i := range w.cfg.Inventory.Clusters[0].Members {
		m := &w.cfg.Inventory.Clusters[0].Members[i]
		m.Endpoint = "http://10.0.0." + m.Name[1:] + ":2379"
	}
	w.restart()
	return w
}

func membersDown(extra map[string]string) map[string]string {
	labels := map[string]string{"alertname": "etcdMembersDown", "job": "etcd", "severity": "critical"}
	maps.Copy(labels, extra)
	return labels
}

func (w *fakeWorld) refusals() (all []string) {
	w.each(repair.TypeFinished, func(b []byte) {
		var f repair.FinishedData
		w.decode(b, &f)
		if f.Outcome == repair.Blocked {
			all = append(all, f.Reason+": "+f.Detail)
		}
	})
	return all
}

func TestAnAlertThatNamesNoMemberMeansTheOneThatIsDown(t *testing.T) {
	for name, labels := range map[string]map[string]string{
		"its cluster is named":               {"cluster": "demo"},
		"the only cluster of the kind":       {},
		"an instance":                        {"instance": "10.0.0.2:2379"},
		"an instance, and its cluster":       {"instance": "10.0.0.2:2379", "cluster": "demo"},
		"a label that is empty is no member": {"member": "", "cluster": "demo"},
	} {
		t.Run(name, func(t *testing.T) {
			w := mixinWorld(t, 3)
			w.kill("m2")
			w.send(alert.Firing, membersDown(labels))
			w.run(70 * time.Second)
			if m := w.member("m2"); m.applied != 1 {
				t.Fatalf("m2 was started %d times, want once: %v", m.applied, w.refusals())
			}
			wantList(t, "outcomes", w.finished(), "repaired")
			w.send(alert.Resolved, membersDown(labels))
			w.run(10 * time.Second)
			wantList(t, "closed", w.closed(), "in_order")
		})
	}
}

// What does not say which member is meant changes nothing, and says why.
func TestAnAmbiguousAlertIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		down   []string
		labels map[string]string
		want   string
	}{
		"none is down":              {nil, map[string]string{"cluster": "demo"}, "target: the alert names no member of cluster demo, and all of them answer"},
		"two are down":              {[]string{"m2", "m4"}, map[string]string{"cluster": "demo"}, `target: the alert names no member of cluster demo, and 2 do not answer ("m2, m4"): which one is meant cannot be told`},
		"another cluster":           {[]string{"m2"}, map[string]string{"cluster": "prod"}, "target: no cluster \"prod\" of kind etcd in the inventory: declare it under `clusters` in fettle.yml"},
		"an instance elsewhere":     {[]string{"m2"}, map[string]string{"instance": "10.9.9.9:2379"}, `target: instance "10.9.9.9:2379" is no member of kind etcd in the inventory: neither an endpoint, nor metrics, nor a host`},
		"a host of several":         {[]string{"m2"}, map[string]string{"instance": "h:9100"}, `target: instance "h:9100" may be demo/m1 or demo/m2: the address as endpoint or metrics of one member would say which`},
		"the labels contradict":     {[]string{"m2"}, map[string]string{"instance": "10.0.0.2:2379", "cluster": "prod"}, `target: the alert is about cluster "prod", and its instance is member demo/m2: one of the two labels is wrong`},
		"a hostile instance":        {[]string{"m2"}, map[string]string{"instance": "-rf /"}, `target: label "instance" of the alert: "-rf /" begins with a dash`},
		"a hostile cluster":         {[]string{"m2"}, map[string]string{"cluster": "$(reboot)"}, `target: label "cluster" of the alert: "$(reboot)" is not of its declared type: it must match [a-z0-9-]+`},
		"a member without cluster":  {[]string{"m2"}, map[string]string{"member": "m2"}, `target: the alert has no label "cluster", which playbook etcd-member-restart reads: let the rule keep it`},
		"a member that is not ours": {[]string{"m2"}, map[string]string{"member": "m9", "cluster": "demo", "instance": "10.0.0.2:2379"}, "target: cluster \"demo\" has no member \"m9\" in the inventory: declare it under `clusters` in fettle.yml"},
	} {
		t.Run(name, func(t *testing.T) {
			w := mixinWorld(t, 5)
			for _, m := range tc.down {
				w.kill(m)
			}
			w.send(alert.Firing, membersDown(tc.labels))
			w.run(30 * time.Second)
			wantList(t, "refusals", w.refusals(), tc.want)
			for _, m := range w.members {
				if m.applied+m.killed > 0 {
					t.Errorf("%s was changed", m.name)
				}
			}
			w.send(alert.Resolved, membersDown(tc.labels))
			w.run(10 * time.Second)
			wantList(t, "closed", w.closed(), "alert_ended")
		})
	}
}

// Which one is meant is asked again: by then it may be one alone, or another one.
func TestWhichMemberIsMeantIsAskedAgain(t *testing.T) {
	w := mixinWorld(t, 5)
	w.send(alert.Firing, membersDown(nil))
	w.run(20 * time.Second)
	w.kill("m4")
	w.run(80 * time.Second)
	if n := w.member("m4").applied; n != 1 {
		t.Fatalf("m4 was started %d times: %v", n, w.refusals())
	}
	w.kill("m1")
	w.run(80 * time.Second)
	if n := w.member("m1").applied; n != 1 {
		t.Fatalf("m1 was started %d times: %v", n, w.refusals())
	}
	w.kill("m2")
	w.kill("m3")
	w.run(80 * time.Second)
	if w.member("m2").applied+w.member("m3").applied > 0 {
		t.Error("one of two was chosen")
	}
	wantList(t, "refusals", w.refusals(), "target: the alert names no member of cluster demo, and all of them answer")
}

// A second alert that does name the member is not a second repair.
func TestBothAlertsOfOneFaultAreOneRepair(t *testing.T) {
	w := mixinWorld(t, 3)
	w.kill("m2")
	w.send(alert.Firing, membersDown(nil))
	w.send(alert.Firing, downLabels("m2"))
	w.run(3 * time.Minute)
	if n := w.member("m2").applied; n != 1 {
		t.Errorf("m2 was started %d times", n)
	}
	wantList(t, "outcomes", w.finished(), "repaired", "noop")
}

// After a restart a run goes on with the member that it was planned for, whatever is
// down by then.
func TestARunForAnUnnamedMemberIsResumed(t *testing.T) {
	w := mixinWorld(t, 5)
	w.kill("m2")
	w.member("m2").startIn = 5 * time.Second
	w.send(alert.Firing, membersDown(nil))
	crashed := false
	w.crash = func(f repair.Effect) bool {
		if l, ok := f.(repair.Look); ok && l.Intent != nil && !crashed {
			crashed = true
			w.kill("m4")
			return true
		}
		return false
	}
	w.run(100 * time.Second)
	if !crashed || w.member("m2").applied != 1 {
		t.Errorf("crashed %v, m2 was started %d times: %v", crashed, w.member("m2").applied, w.refusals())
	}
}

func TestReloadAsksAgainWhoIsMeant(t *testing.T) {
	w := mixinWorld(t, 5)
	w.level = repair.Observe
	w.kill("m2")
	w.send(alert.Firing, membersDown(nil))
	w.run(20 * time.Second)
	w.member("m2").up = true
	w.kill("m3")
	w.level = repair.Auto
	w.reload()
	w.run(90 * time.Second)
	if w.member("m2").applied > 0 || w.member("m3").applied != 1 {
		t.Errorf("m2 was started %d times, m3 %d times, want m3 once", w.member("m2").applied, w.member("m3").applied)
	}
}

// A look that failed long ago does not close an episode whose member has been seen since:
// it waits behind the run of another alert about that member, and closes with it.
func TestWhoIsMeantHasBeenSeen(t *testing.T) {
	w := mixinWorld(t, 3)
	named := map[string]string{"alertname": "FettleRaftMemberDown", "cluster": "demo", "member": "m2"}
	w.kill("m2")
	w.lookErr = errors.New("no route")
	w.send(alert.Firing, named)
	w.send(alert.Firing, membersDown(nil))
	w.run(12 * time.Second)
	w.watch = func(f repair.Effect) { // the cluster is seen, and m2 by itself is not
		if l, ok := f.(repair.Look); ok {
			if w.lookErr = nil; !l.Seeks {
				w.lookErr = errors.New("no route")
			}
		}
	}
	w.run(20 * time.Second)
	w.watch, w.lookErr = nil, nil
	w.reload()
	w.run(10 * time.Second)
	w.send(alert.Resolved, membersDown(nil))
	w.run(5 * time.Second)
	wantList(t, "closed while the run goes on", w.closed())
	w.send(alert.Resolved, named)
	w.run(2 * time.Minute)
	if n := w.member("m2").applied; n != 1 {
		t.Errorf("m2 was started %d times", n)
	}
	wantList(t, "closed", w.closed(), "in_order", "recovered_by_itself")
}

// An alert meant m2, which is in order, and then m4, for which another alert's run was
// under way. When it is over it means m2 as the journal has it, and m4 no more.
func TestAnAlertThatIsOverMeansWhomTheJournalHas(t *testing.T) {
	w := mixinWorld(t, 5)
	named := map[string]string{"alertname": "FettleRaftMemberDown", "cluster": "demo", "member": "m4"}
	w.level = repair.Approve
	w.kill("m2")
	w.send(alert.Firing, membersDown(nil))
	w.run(20 * time.Second)
	w.member("m2").up = true
	w.run(10 * time.Second)
	w.level = repair.Auto
	w.kill("m4")
	w.send(alert.Firing, named)
	w.run(10 * time.Second)
	w.send(alert.Resolved, membersDown(nil))
	w.send(alert.Resolved, named)
	w.run(70 * time.Second) // the run has ended
	starts := w.member("m4").applied
	w.kill("m4")
	w.run(10 * time.Minute)
	if n := w.member("m4").applied; starts != 1 || n != 1 {
		t.Errorf("m4 was started %d times, and then %d; refusals: %v", starts, n-starts, w.refusals())
	}
	wantList(t, "closed", w.closed(), "in_order", "recovered_by_itself")
}

// Without a look at the cluster nobody is meant, and another member is looked through.
func TestAFailedLookNamesNobody(t *testing.T) {
	w := mixinWorld(t, 3)
	w.kill("m2")
	w.lookErr = errors.New("no route")
	var through []string
	w.watch = func(f repair.Effect) {
		if l, ok := f.(repair.Look); ok {
			through = append(through, l.Target.Member.Name)
		}
	}
	w.send(alert.Firing, membersDown(nil))
	w.run(12 * time.Second)
	wantList(t, "refusals", w.refusals(), "observe: no route")
	if got := strings.Join(through, " "); !strings.HasPrefix(got, "m1 m2 m3") {
		t.Errorf("looked through %s", got)
	}
	w.lookErr = nil
	w.run(70 * time.Second)
	if w.member("m2").applied != 1 {
		t.Errorf("m2 was started %d times", w.member("m2").applied)
	}
}

func TestResolveTellsThatNobodyIsNamed(t *testing.T) {
	w := mixinWorld(t, 3)
	_, _, err := w.cfg.Playbooks[0].Resolve(w.cfg.Inventory, membersDown(nil))
	var un *repair.UnnamedError
	if !errors.As(err, &un) || un.Cluster.Name != "demo" {
		t.Errorf("got %v", err)
	}
	two := cluster.Inventory{Clusters: []cluster.Cluster{{Name: "a", Kind: cluster.KindEtcd}, {Name: "b", Kind: cluster.KindEtcd}}}
	if _, _, err = w.cfg.Playbooks[0].Resolve(two, membersDown(nil)); err == nil || !strings.Contains(err.Error(), "the inventory has 2 clusters of kind etcd") {
		t.Errorf("got %v", err)
	}
}

// An alert that has ended starts no repair of another member than the one that it meant.
func TestAnAlertThatHasEndedMeansNobodyElse(t *testing.T) {
	for name, between := range map[string]func(*fakeWorld){
		"it goes on":           func(*fakeWorld) {},
		"fettle is restarted":  func(w *fakeWorld) { w.restart() },
		"it is reloaded":       func(w *fakeWorld) { w.reload() },
		"the alert comes back": nil,
	} {
		t.Run(name, func(t *testing.T) {
			w := mixinWorld(t, 5)
			w.level = repair.Approve // m2 comes back by itself
			w.kill("m2")
			w.send(alert.Firing, membersDown(nil))
			w.run(20 * time.Second)
			w.member("m2").up = true
			w.level = repair.Auto
			w.run(10 * time.Second)
			w.send(alert.Resolved, membersDown(nil))
			w.run(time.Second)
			w.kill("m4")
			if between == nil {
				w.send(alert.Firing, membersDown(nil))
			} else {
				between(w)
			}
			w.run(10 * time.Minute)
			want := 0
			if between == nil {
				want = 1
			}
			if n := w.member("m4").applied; n != want {
				t.Errorf("m4 was started %d times, want %d; closed: %v", n, want, w.closed())
			}
		})
	}
}

// What an alert meant that names no member is part of the journal: a restart, and a
// reload, neither forget that it is repaired nor tell people that it is not.
func TestWhoWasMeantIsNotForgotten(t *testing.T) {
	for name, again := range map[string]func(*fakeWorld){
		"restart": func(w *fakeWorld) { w.restart() },
		"reload":  func(w *fakeWorld) { w.reload() },
	} {
		t.Run(name, func(t *testing.T) {
			w := mixinWorld(t, 3)
			w.kill("m2")
			w.send(alert.Firing, membersDown(nil))
			w.run(90 * time.Second)
			again(w)
			w.run(time.Minute)
			wantList(t, "outcomes", w.finished(), "repaired")
			if n := w.count(repair.TypeEscalate); n > 0 {
				t.Errorf("people were told %d times of what is repaired", n)
			}
			w.send(alert.Resolved, membersDown(nil))
			w.run(10 * time.Second)
			wantList(t, "closed", w.closed(), "in_order")
		})
	}
}

// A member that was meant, and was in order since, is one of several when it goes down
// with another one: then none is chosen, before a restart and after it.
func TestWhoWasMeantIsNoChoiceBetweenTwo(t *testing.T) {
	for name, again := range map[string]func(*fakeWorld){
		"nothing": func(*fakeWorld) {},
		"restart": func(w *fakeWorld) { w.restart() },
		"reload":  func(w *fakeWorld) { w.reload() },
	} {
		t.Run(name, func(t *testing.T) {
			w := mixinWorld(t, 5)
			w.set.Cooldown = time.Second
			w.kill("m2")
			w.send(alert.Firing, membersDown(nil))
			w.run(90 * time.Second)
			w.kill("m2")
			w.kill("m4")
			again(w)
			w.run(2 * time.Minute)
			again(w)
			w.run(2 * time.Minute)
			if a, b := w.member("m2").applied, w.member("m4").applied; a != 1 || b != 0 {
				t.Errorf("m2 was started %d times and m4 %d times, want 1 and 0", a, b)
			}
			w.member("m2").up = true
			w.run(2 * time.Minute)
			if n := w.member("m4").applied; n != 1 {
				t.Errorf("alone down, m4 was started %d times: %v", n, w.refusals())
			}
		})
	}
}

// An answer that was long in coming is about the member that was looked at, and not about
// the one that the alert means by now.
func TestALateAnswerIsNotAnotherMembers(t *testing.T) {
	w := mixinWorld(t, 5)
	w.slowSurvey = true
	w.member("m2").hung = true
	w.send(alert.Firing, membersDown(nil))
	w.run(500 * time.Millisecond)
	if w.surveys != 1 {
		t.Fatalf("%d surveys, want one that is waited for", w.surveys)
	}
	w.member("m2").hung, w.member("m4").hung = false, true
	w.step(repair.SetPause{Cluster: "demo", Actor: "alice"})
	w.step(repair.ClearPause{Cluster: "demo", Actor: "alice"}) // has all looked at again
	w.run(500 * time.Millisecond)
	w.slowSurvey = false
	w.step(repair.Surveyed{Fleet: w.survey()})
	w.run(2 * time.Minute)
	wantList(t, "outcomes", w.finished(), "repaired")
	if a, b := w.member("m2").killed, w.member("m4").killed; a != 0 || b != 1 {
		t.Errorf("m2 was ended %d times and m4 %d times, want 0 and 1: %v", a, b, w.refusals())
	}
	if n := w.count(repair.TypeEscalate); n > 0 {
		t.Errorf("people were told %d times", n)
	}
}

// Who was meant, has answered since and dies beside another one is no choice between two
// either: a run whose repair did not last has not seen it in order in the end.
func TestWhoAnsweredSinceIsNoChoiceBetweenTwo(t *testing.T) {
	w := mixinWorld(t, 5)
	w.set.Cooldown = time.Second
	w.kill("m2")
	w.send(alert.Firing, membersDown(nil))
	w.run(20 * time.Second) // started, verified, and settling
	if n := w.member("m2").applied; n != 1 {
		t.Fatalf("m2 was started %d times", n)
	}
	w.member("m2").stopped = "stopped" // a relapse: the run ends blocked
	w.kill("m2")
	w.run(20 * time.Second)
	w.member("m2").up = true
	w.kill("m4")
	w.member("m4").stopped = "stopped"
	w.run(10 * time.Second)
	w.kill("m2")
	w.member("m2").stopped = ""
	w.run(2 * time.Minute)
	if n := w.member("m2").applied; n != 1 {
		t.Errorf("m2 was started %d times: %v", n, w.refusals())
	}
	if n := w.count(repair.TypePlanned); n > 10 {
		t.Errorf("%d runs", n)
	}
}

// An alert that names no cluster means the only one there was when it came, and no other
// one that a reload leaves.
func TestAnAlertMeansNoOtherClusterAfterAReload(t *testing.T) {
	w := mixinWorld(t, 5)
	w.kill("m2")
	w.send(alert.Firing, membersDown(nil))
	w.run(90 * time.Second)
	other := w.cfg.Inventory.Clusters[0]
	other.Name = "other"
	w.cfg.Inventory = cluster.Inventory{Clusters: []cluster.Cluster{other}}
	w.reload()
	w.kill("m4")
	w.run(90 * time.Second)
	w.restart()
	w.run(90 * time.Second)
	if n := w.member("m4").applied; n > 0 {
		t.Errorf("other/m4 was started %d times", n)
	}
	w.send(alert.Resolved, membersDown(nil))
	w.run(10 * time.Second)
	wantList(t, "closed", w.closed(), "alert_ended")
}

// An alert that means one member, another one and the first one again within one look is
// one episode all the same.
func TestMovingBackIsOneEpisode(t *testing.T) {
	w := mixinWorld(t, 5)
	w.level = repair.Observe
	w.kill("m2")
	w.send(alert.Firing, membersDown(nil))
	w.run(12 * time.Second)
	w.member("m2").up = true
	w.kill("m4")
	w.watch = func(f repair.Effect) {
		if l, ok := f.(repair.Look); ok && l.Target.Member.Name == "m4" {
			w.member("m4").up = true
			w.kill("m2")
			w.watch = nil
		}
	}
	w.run(8 * time.Second)
	if w.watch != nil {
		t.Fatal("m4 was never meant")
	}
	w.member("m2").up = true
	w.run(10 * time.Second)
	w.send(alert.Resolved, membersDown(nil))
	w.run(3 * time.Minute)
	wantList(t, "closed", w.closed(), "recovered_by_itself")
}
