package repair

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// PlaybookVersion is the version of the playbook language that this program reads.
const PlaybookVersion = 1

// playbookYAML is a playbook as it is written (docs/playbooks/README.md).
type playbookYAML struct {
	Name        string               `yaml:"name"`
	Version     int                  `yaml:"version"`
	Description string               `yaml:"description"`
	On          []string             `yaml:"on"`
	Labels      map[string]labelYAML `yaml:"labels"`
	Target      targetYAML           `yaml:"target"`
	Tier        Tier                 `yaml:"tier"`
	Autonomy    Autonomy             `yaml:"autonomy"`
	Settle      *time.Duration       `yaml:"settle"`
	Cooldown    *time.Duration       `yaml:"cooldown"`
	Steps       []stepYAML           `yaml:"steps"`
	Verify      verifyYAML           `yaml:"verify"`
}

// PlaybookForm is the type that a playbook's file is read into, for its JSON Schema.
func PlaybookForm() reflect.Type { return reflect.TypeFor[playbookYAML]() }

type labelYAML struct {
	Pattern string   `yaml:"pattern"`
	Enum    []string `yaml:"enum"`
}

type targetYAML struct {
	Kind     cluster.Kind `yaml:"kind"`
	Cluster  string       `yaml:"cluster"`
	Member   string       `yaml:"member"`
	Instance string       `yaml:"instance"`
	Unit     string       `yaml:"unit"`
	Unnamed  Unnamed      `yaml:"unnamed"`
}

type stepYAML struct {
	Name     string            `yaml:"name"`
	Action   string            `yaml:"action"`
	With     map[string]string `yaml:"with"`
	Deadline *time.Duration    `yaml:"deadline"`
	Attempts *int              `yaml:"attempts"`
	Once     bool              `yaml:"once"`
	Exec     *Exec             `yaml:"exec"`
	HTTP     *HTTP             `yaml:"http"`
}

var (
	playbookName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	labelName    = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)

const (
	maxPlaybookSteps = 16
	maxStepAttempts  = 10
	maxLabelPattern  = 1024
)

// LoadPlaybook reads one playbook. name is its file's name, with or without a
// directory, and data the file's bytes; actions is the table of what a step may
// do, and parse reads the expression of a `verify`. The error is of type [strictyaml.Errors] and has everything that is wrong,
// each with file, line and column.
func LoadPlaybook(name string, data []byte, actions map[string]ActionSpec, parse ParseExpression) (*Playbook, error) {
	l := playbookLoader{doc: strictyaml.Parse(name, data), actions: actions, parse: parse}
	l.doc.Decode(&l.file)
	sum := sha256.Sum256(data)
	at := l.doc.Position(strictyaml.Path{"name"})
	p := &Playbook{
		Name:        l.name(name),
		Description: l.file.Description,
		Version:     l.file.Version,
		On:          l.on(),
		Labels:      l.labels(),
		Tier:        l.tier(),
		Ceiling:     l.ceiling(),
		Cooldown:    l.file.Cooldown,
		Settle:      l.file.Settle,
		Digest:      hex.EncodeToString(sum[:]),
		Source:      fmt.Sprintf("%s:%d", at.File, at.Line),
	}
	l.params = p.Labels
	p.Target = l.target()
	p.Steps = l.steps()
	l.seeks(p)
	l.owing(p.Steps)
	p.Verify = l.verify()
	if l.file.Settle != nil && *l.file.Settle <= 0 {
		l.doc.Errorf(keyPath("settle"), "settle is 0: a repair must stay in order for a while to count, give it a time such as 60s")
	}
	if err := l.doc.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// playbookLoader checks one file's meaning and builds the playbook's parts.
type playbookLoader struct {
	doc     *strictyaml.Document
	file    playbookYAML
	actions map[string]ActionSpec
	parse   ParseExpression
	params  map[string]Param // the declared labels
}

func keyPath(steps ...any) strictyaml.Path { return steps }

func (l *playbookLoader) name(of string) string {
	base := strings.TrimSuffix(filepath.Base(of), ".yml")
	switch n := l.file.Name; {
	case n == "":
		l.doc.Errorf(keyPath("name"), "the playbook has no name: write name: %s", base)
	case !playbookName.MatchString(n):
		l.doc.Errorf(keyPath("name"), "name %s must be lower-case letters, digits and dashes, at most 63, and not begin with a dash", strictyaml.Clip(n))
	case n != base:
		l.doc.Errorf(keyPath("name"), "name %s is not the file's name: rename the file to %s.yml, or write name: %s", strictyaml.Clip(n), n, base)
	}
	if v := l.file.Version; v == 0 {
		l.doc.Errorf(keyPath("version"), "the playbook has no version: write version: %d", PlaybookVersion)
	} else if v != PlaybookVersion {
		l.doc.Errorf(keyPath("version"), "version %d is not one that this fettle reads: it reads version %d", v, PlaybookVersion)
	}
	return l.file.Name
}

func (l *playbookLoader) on() (ms alert.Matchers) {
	if len(l.file.On) == 0 {
		l.doc.Errorf(keyPath("on"), "the playbook is for no alert: say under `on` which labels it is for, such as '%s'", `alertname="NodeDown"`)
		return nil
	}
	for i, s := range l.file.On {
		m, err := alert.ParseMatcher(s)
		if err != nil {
			l.doc.Errorf(keyPath("on", i), "%s is no matcher: write it like %s", strictyaml.Clip(s), `'alertname="NodeDown"' or 'tier=~"P0|P1"'`)
			continue
		}
		ms = append(ms, m)
	}
	// As for a silence: what matches an alert without labels matches everything.
	if len(ms) == len(l.file.On) && ms.Matches(nil) {
		l.doc.Errorf(keyPath("on"), "these matchers also match an alert that has none of the labels: add one that asks for a value, such as '%s'", `alertname="NodeDown"`)
	}
	return ms
}

func (l *playbookLoader) labels() map[string]Param {
	ps := make(map[string]Param, len(l.file.Labels))
	for _, name := range slices.Sorted(maps.Keys(l.file.Labels)) {
		at, decl := keyPath("labels", name), l.file.Labels[name]
		if !labelName.MatchString(name) {
			l.doc.KeyErrorf(at, "%s is no label name: letters, digits and underscores", strictyaml.Clip(name))
		}
		p := Param{Pattern: decl.Pattern, Enum: decl.Enum}
		var err error
		switch p.compiled, err = p.compile(); {
		case p.Pattern == "" && len(p.Enum) == 0:
			l.doc.Errorf(at, "label %s has no type: give it a pattern or an enum", strictyaml.Clip(name))
		case p.Pattern != "" && len(p.Enum) > 0:
			l.doc.Errorf(at, "label %s has both a pattern and an enum: keep one", strictyaml.Clip(name))
		case len(p.Pattern) > maxLabelPattern:
			l.doc.Errorf(at.Join("pattern"), "the pattern of label %s is longer than %d bytes", strictyaml.Clip(name), maxLabelPattern)
		case err != nil:
			l.doc.Errorf(at.Join("pattern"), "the pattern of label %s does not compile: %s", strictyaml.Clip(name), strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		ps[name] = p
	}
	return ps
}

func (l *playbookLoader) tier() Tier {
	tiers := []string{string(P0), string(P1), string(P2)}
	if l.file.Tier == "" {
		l.doc.Errorf(keyPath("tier"), "the playbook has no tier: write tier: P0, P1 or P2")
	} else if !slices.Contains(tiers, string(l.file.Tier)) {
		l.doc.Errorf(keyPath("tier"), "unknown tier %s; known here: P0, P1, P2", strictyaml.Clip(string(l.file.Tier)))
	}
	return l.file.Tier
}

func (l *playbookLoader) ceiling() Autonomy {
	all := []string{string(Observe), string(Approve), string(Auto)}
	if l.file.Autonomy == "" {
		l.doc.Errorf(keyPath("autonomy"), "the playbook does not say how far it may go by itself: write autonomy: observe, approve or auto (a ceiling, fettle.yml decides below it)")
	} else if !slices.Contains(all, string(l.file.Autonomy)) {
		l.doc.Errorf(keyPath("autonomy"), "unknown autonomy %s; %s", strictyaml.Clip(string(l.file.Autonomy)), strictyaml.DidYouMean(string(l.file.Autonomy), all))
	}
	return l.file.Autonomy
}

func (l *playbookLoader) target() (ref TargetRef) {
	kinds := []string{string(cluster.KindEtcd), string(cluster.KindService)}
	ref.Kind = l.file.Target.Kind
	if ref.Kind == "" {
		l.doc.Errorf(keyPath("target", "kind"), "the target has no kind: write kind: etcd or service")
	} else if !slices.Contains(kinds, string(ref.Kind)) {
		l.doc.Errorf(keyPath("target", "kind"), "unknown kind %s; %s", strictyaml.Clip(string(ref.Kind)), strictyaml.DidYouMean(string(ref.Kind), kinds))
	}
	for _, part := range []struct {
		key, written string
		into         *Value
	}{{"cluster", l.file.Target.Cluster, &ref.Cluster}, {"member", l.file.Target.Member, &ref.Member}} {
		if part.written == "" {
			l.doc.Errorf(keyPath("target", part.key), "the target has no %s: name one, or a declared label: %s: $%s", part.key, part.key, part.key)
			continue
		}
		*part.into = l.value(keyPath("target", part.key), part.written)
	}
	l.otherwise(&ref)
	return ref
}

// value reads a literal, or a $reference to a declared label.
func (l *playbookLoader) value(at strictyaml.Path, s string) Value {
	name, isRef := strings.CutPrefix(s, "$")
	switch _, declared := l.params[name]; {
	case isRef && declared:
		return Value{Label: name}
	case isRef && labelName.MatchString(name):
		l.doc.Errorf(at, undeclared, strictyaml.Clip(name), strictyaml.DidYouMean(name, slices.Collect(maps.Keys(l.params))))
	case strings.Contains(s, "$"):
		l.doc.Errorf(at, "%s: a reference to a label stands alone, as in $cluster; nothing is put together from labels", strictyaml.Clip(s))
	}
	return Value{Literal: s}
}
