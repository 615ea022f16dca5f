package repair

import (
	"fmt"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// Expression is what a playbook's `verify` asks Prometheus besides its own look: a
// PromQL expression whose matchers may ask for declared labels. This package knows
// no PromQL; who reads it is handed to [LoadPlaybook].
type Expression struct {
	Labels []string // that Fill wants the values of
	// Fill gives the expression with the labels' values in its matchers.
	Fill func(values map[string]string) (string, error)
	// At is where the playbook says it.
	At strictyaml.Position
}

// ParseExpression reads the text of a `verify`. The error says what is wrong with it.
type ParseExpression func(text string) (Expression, error)

// Verification is one question to Prometheus.
type Verification struct {
	Expr string
	// Since is how young a sample must be to count: the time since the last Apply,
	// or five minutes before any (rule 10).
	Since time.Duration
}

// VerifyResult is the answer.
type VerifyResult struct {
	True bool
	// Believed: what it stands on was scraped since. Without it, True says nothing.
	Believed bool
	Says     string // one line for people
}

// sinceBefore is how young a sample must be before an Apply.
const sinceBefore = 5 * time.Minute

func (r *VerifyResult) believed() bool { return r != nil && r.Believed }
func (r *VerifyResult) shown() bool    { return r.believed() && r.True }

// says is the answer for people.
func (r *VerifyResult) says() string {
	switch {
	case r == nil:
		return "verify was not asked"
	case !r.Believed:
		return "verify is not believed: " + r.Says
	case !r.True:
		return "verify does not hold: " + r.Says
	}
	return "verify holds: " + r.Says
}

// notShown is the refusal where the look says in order and verify does not.
func notShown(expr string, r *VerifyResult) Verdict {
	return Verdict{Guard: ReasonVerify, Reason: ReasonVerify, Detail: fmt.Sprintf("%s (%s)", r.says(), expr), Passing: true}
}

// verification is the playbook's expression for these labels; empty without one.
func (p *Playbook) verification(labels map[string]string) (string, error) {
	if p.Verify == nil {
		return "", nil
	}
	values := make(map[string]string, len(p.Verify.Labels))
	for _, name := range p.Verify.Labels {
		if err := p.Labels[name].check(labels[name]); err != nil {
			return "", fmt.Errorf("label %q of the alert: %w", name, err)
		}
		values[name] = labels[name]
	}
	expr, err := p.Verify.Fill(values)
	if err == nil && expr == "" {
		err = fmt.Errorf("verify of playbook %s came to nothing", p.Name)
	}
	return expr, err
}

// lookAndVerify looks, and then asks Prometheus too.
func (e *Engine) lookAndVerify(spec ActionSpec, t cluster.Target, v Verification, then func(Looked)) {
	e.lookWith(Look{Spec: spec, Target: t, Verify: &v}, then)
}

// verification is the run's question now.
func (l *live) verification() Verification {
	since := sinceBefore
	if l.Intents > 0 {
		since = l.e.now - l.touched
	}
	return Verification{Expr: l.Verify, Since: since}
}

// verifyGoal asks Prometheus where the look says in order: the goal is what both
// say. Where that cannot be told, nothing is begun: the target may well be in order.
// Where it is denied, the steps decide; with none left to do, there is nothing that
// would bring it about.
func (l *live) verifyGoal(stepsLeft bool) {
	l.due = -1
	l.fresh = l.holds
	l.e.lookAndVerify(l.spec(len(l.Steps)-1), l.target, l.verification(), func(ev Looked) {
		if l.Finished != nil {
			return
		}
		if ev.Err != nil {
			l.lookFailed(ev.Err)
			return
		}
		l.goalAsked = true
		now := ev.Seen.Observation
		inOrder := l.goal(now)
		v := notShown(l.Verify, ev.Verified)
		switch {
		case inOrder && ev.Verified.shown():
			f := FinishedData{Outcome: Noop, Says: now.Says + "; " + ev.Verified.says()}
			if !stepsLeft {
				f.Reason = "recovered_by_itself"
			}
			l.finish(f)
		case stepsLeft && (!inOrder || ev.Verified.believed()):
			l.consider(ev.Seen)
		case !inOrder: // it was, when the steps were gone through
			l.blocked(v.Guard, v.Reason, "in order, and a look later not any more: "+now.Says, true)
		default:
			l.blocked(v.Guard, v.Reason, v.Detail, v.Passing)
		}
	})
}

// verifyAsked is answer's, where the look says in order and the playbook wants to
// know from Prometheus too. Each episode has an expression of its own: its labels are
// in it.
func (e *Engine) verifyAsked(all *group, p *Playbook) {
	for _, ep := range all.episodes {
		one := *all
		one.episodes = []*Episode{ep}
		expr, err := p.verification(ep.Labels())
		if err != nil {
			e.cannotTell(&one, Verdict{Guard: ReasonVerify, Reason: ReasonVerify, Detail: err.Error(), Passing: true})
			continue
		}
		e.verifyOne(&one, p, expr)
	}
}

func (e *Engine) verifyOne(g *group, p *Playbook, expr string) {
	last, t := g.aim.last(), g.aim.target
	e.lookAndVerify(last, t, Verification{Expr: expr, Since: sinceBefore}, func(ev Looked) {
		if ep := g.episodes[0]; e.st.episodes[ep.ID] != ep || ep.Run != "" || ep.ask != g.by || e.playbook(g.playbook) != p {
			return
		}
		switch v := notShown(expr, ev.Verified); {
		case ev.Err != nil:
			e.cannotTell(g, notSeen(ev.Err))
		case !last.Action.Done(nil, ev.Seen.Observation):
			e.outOfOrder(g, p, ev.Seen, nil)
		case ev.Verified.shown():
			e.inOrder(g, t, ev.Seen)
		case ev.Verified.believed():
			e.outOfOrder(g, p, ev.Seen, &v)
		default:
			e.cannotTell(g, v)
		}
	})
}
