package repair

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sort"

	"github.com/fettle-io/fettle/cluster"
)

// aim is a playbook resolved for one set of labels: its target, and what would be done.
type aim struct {
	target    cluster.Target
	steps     []PlannedStep
	specs     []ActionSpec // of the steps
	resources []string     // what any of them may disturb
	// key tells apart what would be done on the same target for other labels.
	key string
}

// last is the step whose Done is the playbook's goal.
func (a *aim) last() ActionSpec { return a.specs[len(a.specs)-1] }

// aimFor resolves a playbook for an episode's labels, and for the member that was found
// where they name none.
func (e *Engine) aimFor(p *Playbook, labels map[string]string, found string) (*aim, error) {
	t, steps, err := p.resolve(e.cfg.Inventory, labels, found)
	if err != nil {
		return nil, err
	}
	specs, err := e.specsOf(steps)
	if err != nil {
		return nil, err
	}
	return &aim{target: t, steps: steps, specs: specs, resources: e.resources(specs, t), key: keyOf(steps)}, nil
}

// keyOf is empty where every step does the same for all labels.
func keyOf(steps []PlannedStep) string {
	plain := true
	for _, s := range steps {
		plain = plain && len(s.With) == 0 && len(s.Declared) == 0
	}
	if plain {
		return ""
	}
	b, err := json.Marshal(steps)
	if err != nil { // Declared is JSON: Resolve saw to that
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// specOf is the table's line for a step of a plan, bound to it where the playbook
// itself describes the step.
func (e *Engine) specOf(s PlannedStep) (ActionSpec, error) {
	spec, ok := e.cfg.Actions[s.Action]
	if !ok {
		return ActionSpec{}, fmt.Errorf("step %s: this fettle has no action %s", s.Name, s.Action)
	}
	if spec.Bind == nil {
		return spec, nil
	}
	bound, err := spec.Bind(s)
	if err == nil && bound.Action == nil {
		err = errors.New("it comes to no action")
	}
	if err != nil {
		return ActionSpec{}, fmt.Errorf("step %s (%s): %w", s.Name, s.Action, err)
	}
	return bound, nil
}

// specsOf are the lines for all steps of a plan.
func (e *Engine) specsOf(steps []PlannedStep) ([]ActionSpec, error) {
	specs := make([]ActionSpec, len(steps))
	for i, s := range steps {
		var err error
		if specs[i], err = e.specOf(s); err != nil {
			return nil, err
		}
	}
	return specs, nil
}

// resources are what any of the steps may disturb.
func (e *Engine) resources(specs []ActionSpec, t cluster.Target) []string {
	all := map[string]bool{}
	for _, s := range specs {
		for _, res := range e.index.Resources(t, s.Disturbs) {
			all[res] = true
		}
	}
	out := make([]string, 0, len(all))
	for res := range all {
		out = append(out, res)
	}
	sort.Strings(out)
	return out
}

// described tells that the playbook itself describes a step: what its service manager
// does meanwhile is not that step's doing.
func (e *Engine) described(s PlannedStep) bool { return e.cfg.Actions[s.Action].Bind != nil }
