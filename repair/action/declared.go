package action

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/service"
	"github.com/fettle-io/fettle/repair"
)

// Deed is what a look saw of a step that its playbook declares: schemas exec/1 and
// http/1, each with a digest of what the step says.
type Deed struct {
	// InOrder is the step's own observation, or, for one that must not be done twice and
	// has none, whether its target is in order.
	InOrder cluster.Answer `json:"in_order"`
	// Set, of an undo: the target is as the step that is undone left it.
	Set cluster.Answer `json:"set,omitempty"`
	// Execution is, while the intent is open, how that is.
	Execution service.ExecutionState `json:"execution,omitempty"`
	Exit      int                    `json:"exit,omitempty"`
	Service   cluster.Service        `json:"service,omitzero"`
}

// way is how a declared step is done and looked at: exec and http.
type way interface {
	// looks tells whether inOrder can say anything.
	looks() bool
	inOrder(ctx context.Context) (bool, string, error)
	// was reads the value that is about to be overwritten; nil: none is declared.
	was(ctx context.Context) (*string, error)
	begin(ctx context.Context, in repair.Intent) error
	watch(ctx context.Context, in repair.Intent) (service.Execution, error)
	timeout() time.Duration
	// reaches fails where the target cannot be reached in this way.
	reaches(t cluster.Target) error
}

// deed is the Action of one declared step.
type deed struct {
	Deps
	member *memberLook
	schema string
	way    way
	undone way // of an undo: the step that it takes back; else nil
}

// declared is the table's line of an action whose steps say themselves what they do.
func (d Deps) declared(name string, member *memberLook, open func(json.RawMessage, *repair.Undoes) (way, repair.ActionSpec, error)) repair.ActionSpec {
	line := repair.ActionSpec{Name: name, Does: repair.Takes, Disturbs: cluster.DisturbsHost}
	line.Bind = func(s repair.PlannedStep) (repair.ActionSpec, error) {
		w, spec, err := open(s.Declared, s.Undoes)
		if err != nil {
			return repair.ActionSpec{}, err
		}
		a := deed{Deps: d, member: member, way: w, schema: schemaOf(s)}
		if s.Undoes != nil {
			if a.undone, _, err = open(s.Undoes.Declared, nil); err != nil {
				return repair.ActionSpec{}, fmt.Errorf("what it undoes: %w", err)
			}
		}
		spec.Name, spec.Sees = name, a.schema
		if s.Undoes != nil {
			spec.Action = undo{a}
		} else {
			spec.Action = a
		}
		return spec, nil
	}
	return line
}

// schemaOf tells steps apart that look at different things.
func schemaOf(s repair.PlannedStep) string {
	h := sha256.New()
	_, _ = h.Write(s.Declared)
	if s.Undoes != nil {
		_, _ = h.Write(s.Undoes.Declared)
		if s.Undoes.Was != nil {
			_, _ = h.Write([]byte(*s.Undoes.Was))
		}
	}
	return s.Action + "/1:" + hex.EncodeToString(h.Sum(nil)[:6])
}

// spec is what the guards are told of a declared step.
func spec(disturbs cluster.Disturbs, takes *bool) repair.ActionSpec {
	s := repair.ActionSpec{Does: repair.Takes, Disturbs: disturbs}
	if disturbs == "" {
		s.Disturbs = cluster.DisturbsHost
	}
	if takes != nil && !*takes {
		s.Does = repair.Leaves
	}
	return s
}

// Observe implements repair.Action: the step's own observation first, then its target,
// so that what the guards decide on is fresh.
func (a deed) Observe(ctx context.Context, t cluster.Target) (repair.Sighting, error) {
	if err := a.way.reaches(t); err != nil {
		return repair.Sighting{}, err
	}
	d, says, err := a.own(ctx)
	if err != nil {
		return repair.Sighting{}, fmt.Errorf("look at %s: %w", t, err)
	}
	var was *string
	if a.undone == nil && d.InOrder != cluster.Yes {
		if was, err = a.way.was(ctx); err != nil {
			return repair.Sighting{}, fmt.Errorf("read what %s would overwrite: %w", t, err)
		}
	}
	seen, inOrder, err := a.target(ctx, t)
	switch {
	case err != nil && (!a.way.looks() || t.Cluster.Kind == cluster.KindEtcd):
		return repair.Sighting{}, err
	case err != nil: // the step's own observation is enough
		seen.Facts.Sights = []cluster.Sight{unseen(t, cluster.Service{State: cluster.ServiceUnknown, Error: err.Error()})}
	}
	if !a.way.looks() {
		d.InOrder, says = answer(inOrder), seen.Observation.Says
	}
	for i := range seen.Facts.Sights {
		if s := &seen.Facts.Sights[i]; s.Member == t.Member.Name {
			s.Service.Wait = max(s.Service.Wait, a.way.timeout())
			d.Service = s.Service
		}
	}
	o, err := repair.Observed(a.schema, t.Member.Name+": "+says, d)
	if err != nil {
		return repair.Sighting{}, fmt.Errorf("look at %s: %w", t, err)
	}
	o.Was = was
	seen.Observation = o
	return seen, nil
}

// own is the step's own observation.
func (a deed) own(ctx context.Context) (d Deed, says string, err error) {
	d.InOrder = cluster.Unknown
	if !a.way.looks() {
		return d, "", nil
	}
	yes, says, err := a.way.inOrder(ctx)
	if err != nil {
		return d, "", err
	}
	d.InOrder = answer(yes)
	if a.undone == nil || yes {
		return d, says, nil
	}
	set, shows, err := a.undone.inOrder(ctx)
	if err != nil {
		return d, "", err
	}
	d.Set = answer(set)
	return d, says + "; of what it undoes: " + shows, nil
}

// target is the look that the guards decide on, as other actions on such a target have
// it, and whether the target is in order by that.
func (a deed) target(ctx context.Context, t cluster.Target) (repair.Sighting, bool, error) {
	var of repair.Action = serviceRestart{a.Deps}
	if t.Cluster.Kind == cluster.KindEtcd {
		of = memberStart{a.member}
	}
	asked := a.Clock()
	seen, err := of.Observe(ctx, t)
	if err != nil {
		return repair.Sighting{Asked: asked}, false, err
	}
	return seen, of.Done(nil, seen.Observation), nil
}

func unseen(t cluster.Target, s cluster.Service) cluster.Sight {
	return cluster.Sight{
		Member: t.Member.Name, Service: s, Proof: cluster.Proof{Answer: cluster.Unknown},
		GoneByProbe: cluster.Unknown, GoneByPrometheus: cluster.Unknown, GoneByPeer: cluster.Unknown,
	}
}

func answer(yes bool) cluster.Answer {
	if yes {
		return cluster.Yes
	}
	return cluster.No
}

// Done implements repair.Action. An exit or an answer is an outcome only where the step
// must not be done twice and nothing else tells.
func (a deed) Done(before *repair.Observation, now repair.Observation) bool {
	d, ok := repair.Unpack[Deed](now, a.schema)
	switch {
	case !ok || d.Execution == service.Running:
		return false
	case before == nil || a.way.looks():
		return d.InOrder == cluster.Yes
	}
	return d.Execution == service.Ended && d.Exit == 0
}

// Apply implements repair.Action.
func (a deed) Apply(ctx context.Context, in repair.Intent) error {
	if err := a.mayBegin(in); err != nil {
		return err
	}
	if err := a.way.reaches(in.Target); err != nil {
		return err
	}
	return a.way.begin(ctx, in)
}

// Watch implements repair.Watcher: the service in its Sight is the execution.
func (a deed) Watch(ctx context.Context, t cluster.Target, in repair.Intent) (repair.Sighting, error) {
	asked := a.Clock()
	e, err := a.way.watch(ctx, in)
	if err != nil {
		return repair.Sighting{}, fmt.Errorf("watch %s: %w", t, err)
	}
	d, says := Deed{InOrder: cluster.Unknown}, ""
	if e.State != service.Running {
		if d, says, err = a.own(ctx); err != nil {
			return repair.Sighting{}, fmt.Errorf("look at %s: %w", t, err)
		}
	}
	d.Execution, d.Exit, d.Service = e.State, e.Exit, executor(e)
	if says != "" {
		says = "; " + says
	}
	o, err := repair.Observed(a.schema, t.Member.Name+": "+e.Says+says, d)
	if err != nil {
		return repair.Sighting{}, fmt.Errorf("watch %s: %w", t, err)
	}
	seen := repair.Sighting{Asked: asked, Observation: o, Facts: repair.Facts{Sights: []cluster.Sight{unseen(t, d.Service)}}}
	switch {
	case e.State == service.Ended && !e.Well():
		seen.Output = e.Output
	case e.Well() && d.InOrder == cluster.No: // it may come about yet: a look is a command, or a request
		select {
		case <-ctx.Done():
		case <-time.After(lookPace):
		}
	}
	return seen, nil
}

// lookPace is between two looks for what a command that has ended was to bring about.
const lookPace = 500 * time.Millisecond

// executor is an execution as the engine asks after one: at it, over, ended in vain, or
// not to be told.
func executor(e service.Execution) cluster.Service {
	switch {
	case e.State == service.Running:
		return cluster.Service{State: cluster.ServiceRunning, Busy: true}
	case e.Well():
		return cluster.Service{State: cluster.ServiceRunning}
	case e.State == service.Untold:
		return cluster.Service{State: cluster.ServiceUnknown, Error: e.Says}
	}
	return cluster.Service{State: cluster.ServiceDead}
}

// undo is the deed that takes another one back.
type undo struct{ deed }

// StillSet implements repair.Undoer.
func (a undo) StillSet(now repair.Observation) bool {
	d, ok := repair.Unpack[Deed](now, a.schema)
	return ok && d.Set == cluster.Yes
}

// oldValue checks what was read before it is overwritten: it will be an argument.
func oldValue(text string) (*string, error) {
	v := strings.TrimSuffix(text, "\n")
	switch {
	case v == "":
		return nil, errors.New("the old value is empty")
	case len(v) > repair.MaxWas:
		return nil, fmt.Errorf("the old value has %d bytes: %d is the most", len(v), repair.MaxWas)
	case !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }):
		return nil, errors.New("the old value is not one line of text without control characters")
	case v[0] == '-':
		return nil, errors.New("the old value begins with a dash")
	}
	return &v, nil
}
