package app

import (
	"fmt"
	"strings"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/repair"
)

// The answers of a guard in a foresight.
const (
	answerGo      = "go"
	answerRefused = "refused"
	answerUntold  = "not told"
)

// shapeForesight puts what the engine foresees into the API's form, and into words.
func shapeForesight(labels map[string]string, f repair.Foresight, u *untold) api.Foresight {
	out := api.Foresight{Alertname: labels["alertname"], Labels: labels, Outcome: string(f.Outcome), Episode: f.Episode, Run: f.Run}
	if f.Playbook == nil {
		unmatched(&out, labels, f)
		return out
	}
	out.Playbook, out.Tier = f.Playbook.Name, string(f.Playbook.Tier)
	if f.Unresolved == nil {
		out.Target, out.Autonomy, out.Resources = f.Target.String(), string(f.Autonomy), f.Resources
	}
	for _, s := range f.Steps {
		out.Steps = append(out.Steps, shapeStep(s))
	}
	for _, v := range f.Verdicts {
		out.Verdicts = append(out.Verdicts, shapeVerdict(v, u))
	}
	if f.Refusal != nil {
		v := shapeVerdict(*f.Refusal, nil)
		out.Refused = &v
	}
	foretell(&out, f)
	if u != nil {
		out.Then = append(out.Then, u.says(f)...)
	}
	return out
}

// unmatched says why no playbook is for an alert.
func unmatched(out *api.Foresight, labels map[string]string, f repair.Foresight) {
	if f.Own {
		out.Says = `no playbook is for it: it has origin="fettle", and what fettle sends itself is never matched`
		return
	}
	for _, m := range f.Misses {
		miss := api.Miss{Playbook: m.Playbook.Name, Fails: []string{}}
		for _, c := range m.Fails {
			miss.Fails = append(miss.Fails, fmt.Sprintf("%s: %s", c, has(labels, c.Name())))
		}
		out.Misses = append(out.Misses, miss)
	}
	out.Says = "no playbook matches: it would be answered 200, counted, and left to people"
	if len(out.Misses) > 0 {
		out.Says += fmt.Sprintf("; the nearest is %s, which wants %s", out.Misses[0].Playbook, strings.Join(out.Misses[0].Fails, "; "))
	}
}

func shapeStep(s repair.ForeseenStep) api.ForeseenStep {
	out := api.ForeseenStep{Name: s.Name, Action: s.Action, With: s.With, State: "to do", Saw: s.Says}
	if len(s.Declared)+len(s.With) > 0 {
		out.Does = s.PlannedStep.Does()
	}
	switch {
	case s.Err != nil:
		out.State, out.Saw = "not seen", s.Err.Error()
	case !s.Looked:
		out.State = "not seen"
	case s.InOrder:
		out.State = "in order"
	}
	return out
}

func shapeVerdict(v repair.Verdict, u *untold) api.Verdict {
	out := api.Verdict{Guard: v.Guard, Answer: answerGo, Reason: v.Reason, Detail: v.Detail, Passing: v.Passing && !v.OK}
	switch {
	case !v.OK:
		out.Answer = answerRefused
	case u != nil && u.asked[v.Guard]:
		out.Answer, out.Detail = answerUntold, "it asks the journal, which only the running server has"
	}
	return out
}

// foretell says it all in words.
func foretell(out *api.Foresight, f repair.Foresight) {
	switch {
	case f.Unresolved != nil:
		out.Says = "it would be blocked: " + f.Unresolved.Error()
	case f.Outcome == repair.Noop:
		out.Says = "nothing would be done: " + f.Target.String() + " is in order"
	case f.Outcome == repair.ObservedOnly:
		out.Says = fmt.Sprintf("nothing would be changed, as autonomy is observe; allowed, it would %s on %s", names(f), f.Target)
	case f.Outcome == repair.Blocked:
		out.Says = fmt.Sprintf("it would be blocked by %s: %s", reasonOf(*f.Refusal), f.Refusal.Detail)
	default:
		out.Says = fmt.Sprintf("it would %s on %s", names(f), f.Target)
	}
	if f.Run != "" {
		out.Then = append(out.Then, "its run "+f.Run+" is live already, and goes on by itself")
	}
	switch f.Outcome {
	case repair.Blocked:
		if f.Refusal.Passing {
			out.Then = append(out.Then, "it would be asked again by itself, until that passes")
		} else {
			out.Then = append(out.Then, "it would wait for a person")
		}
	case "":
		if f.Looks > 1 {
			out.Then = append(out.Then, fmt.Sprintf("it would look %d times in all before it begins, to be sure", f.Looks))
		}
		out.Then = append(out.Then, "the intent would be in the journal before it begins, and each step is looked at again before and after")
	}
}

// names are the steps from the first that is to be done.
func names(f repair.Foresight) string {
	var all []string
	for _, s := range f.Steps[f.First:] {
		if !s.InOrder {
			all = append(all, fmt.Sprintf("do %s (%s)", s.Name, s.Action))
		}
	}
	return strings.Join(all, ", then ")
}

func reasonOf(v repair.Verdict) string {
	if v.Reason == "" || v.Reason == v.Guard {
		return v.Guard
	}
	return v.Guard + "(" + v.Reason + ")"
}

// says is what cannot be told without the journal.
func (u *untold) says(f repair.Foresight) []string {
	var all []string
	for _, v := range f.Verdicts {
		if u.asked[v.Guard] && v.OK {
			all = append(all, v.Guard)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return []string{"what " + strings.Join(all, ", ") + " would say cannot be told without the journal: ask the running server"}
}
