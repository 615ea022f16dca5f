package looptest

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/repair"
)

// Two people let fettle start a dead member: over HTTP with a token, and over the unix
// socket. What one of them approved before the world changed counts no more, and a
// second fault wants approvals of its own.
func TestTwoPeopleApproveOverTheDoors(t *testing.T) {
	t.Parallel()
	ward := newWard(t, "m1", "m2", "m3")
	w := ward.sub(t, options{autonomy: "approve", settings: "approvers: 2, cooldown: 0s, attempts: 0"})
	w.start()
	w.crash("m2")
	w.send(down("m2"))
	w.refused("m2", "autonomy", "approval")
	ep := w.waits()
	if !slices.Contains(ep.Approval.Steps, "step 2 start: member-start") || ep.Approval.Needed != 2 || len(ep.Escalated) != 1 || ep.Escalated[0].Reason != "approval" {
		t.Errorf("it waits for %+v, people are told of %+v", ep.Approval, ep.Escalated)
	}
	alice := []string{"--server", w.url, "--token-file", filepath.Join(w.home, "operator.token")}
	socket := []string{"--server", "unix://" + w.socket}
	approve := func(premise string, who []string) (string, error) {
		return runCLI(append([]string{fettle, "approve", ep.ID, "--yes", "--premise", premise}, who...)...)
	}
	old := ep.Approval.Premise
	if out, err := approve(old, alice); err != nil || !strings.Contains(out, "approved by alice, 1 of 2 people: another person has to") {
		t.Fatalf("alice: %s (%v)", out, err)
	}
	if out, err := approve(old, alice); err == nil || !strings.Contains(out, "alice has approved this already; another person has to") {
		t.Errorf("alice twice: %s (%v)", out, err)
	}

	w.stop("m3")
	w.await("alice's approval is void", func(st story) bool {
		return slices.ContainsFunc(of[repair.VoidData](t, st, repair.TypeVoid), func(v repair.VoidData) bool {
			return v.Reason == "changed" && slices.Equal(v.Actors, []string{"alice"}) && v.Premise == old
		})
	})
	if out, err := approve(old, socket); err == nil || !strings.Contains(out, "the world changed: was: member ") {
		t.Errorf("approving what was: %s (%v)", out, err)
	}
	w.bring("m3")
	until(t, "m1 and m3 have a leader, and both tell their version", func() error {
		words := strings.Join(w.waits().Approval.Words, "\n")
		if !strings.Contains(words, ", leader") || strings.Contains(words, "version not told") {
			return errNotYet
		}
		return nil
	})
	until(t, "both approve what is", func() error {
		now := w.waits().Approval.Premise
		for _, who := range [][]string{alice, socket} {
			if out, err := approve(now, who); err != nil && !strings.Contains(out, "has approved this already") {
				return err
			}
		}
		return nil
	})
	w.repaired("m2")
	w.startedOnce("m2")
	for _, in := range of[repair.IntentData](t, w.story(), repair.TypeIntent) {
		if in.Approval == nil || len(in.Approval.By) != 2 || !slices.Contains(in.Approval.By, "alice") {
			t.Errorf("the intent was approved by %+v", in.Approval)
		}
	}

	w.crash("m2")
	if again := w.waits(); len(again.Approval.Given) != 0 {
		t.Errorf("used approvals count again: %+v", again.Approval.Given)
	}
	until(t, "it is asked a few times more", func() error {
		if ep := w.waits(); ep.LastAnswer == nil || ep.LastAnswer.Count < 3 {
			return errNotYet
		}
		return nil
	})
	w.startedOnce("m2")
	if out := w.cli(append([]string{"ack", ep.ID, "--comment", "on it"}, socket...)...); !strings.Contains(out, "acknowledged") {
		t.Errorf("ack: %s", out)
	}
	if text := w.explain(ep.ID); !strings.Contains(text, "approved by alice") || !strings.Contains(text, "is void: the world changed") || !strings.Contains(text, "acknowledged by unix:") {
		t.Errorf("the story does not tell who said what:\n%s", text)
	}
	w.verify()
}

// waits is the open episode, once it waits for an approval.
func (s *server) waits() (ep api.Episode) {
	s.t.Helper()
	until(s.t, "the episode waits for an approval", func() error {
		all, err := s.api.Episodes(s.t.Context(), api.Filter{Open: true})
		if err != nil || len(all) != 1 || all[0].Approval == nil {
			return errNotYet
		}
		ep = all[0]
		return nil
	})
	return ep
}
