package config

import (
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/fettle-io/fettle/internal/strictyaml"
	"github.com/fettle-io/fettle/repair"
)

// Override is what one place sets of the engine's numbers; nil: not said. Its
// fields are those of [repair.Settings], its keys those of [Numbers].
type Override struct {
	Look           *time.Duration `yaml:"look"`
	Deadline       *time.Duration `yaml:"deadline"`
	Sample         *time.Duration `yaml:"sample"`
	Settle         *time.Duration `yaml:"settle"`
	Cooldown       *time.Duration `yaml:"cooldown"`
	Attempts       *int           `yaml:"attempts"`
	AttemptsWithin *time.Duration `yaml:"attempts_within"`
	StepAttempts   *int           `yaml:"step_attempts"`
	EagerLooks     *int           `yaml:"eager_looks"`
	EagerGap       *time.Duration `yaml:"eager_gap"`
	NotAfter       *time.Duration `yaml:"not_after"`
	ViewAge        *time.Duration `yaml:"view_age"`
	CommitLag      *uint64        `yaml:"commit_lag"`
	LiveRuns       *int           `yaml:"live_runs"`
	StillActive    *time.Duration `yaml:"still_active"`
	QuietInOrder   *time.Duration `yaml:"quiet_in_order"`
	Forget         *time.Duration `yaml:"forget"`
	ReopenClosed   *time.Duration `yaml:"reopen_closed"`
	PollEvery      *time.Duration `yaml:"poll_every"`
	PollClosed     *time.Duration `yaml:"poll_closed"`
	PollLeftOut    *time.Duration `yaml:"poll_left_out"`
	ReasonsRecord  *time.Duration `yaml:"reasons_record"`
	RefusalRuns    *int           `yaml:"refusal_runs"`
	Approvers      *int           `yaml:"approvers"`
	ApprovalValid  *time.Duration `yaml:"approval_valid"`
	EscalateEvery  *time.Duration `yaml:"escalate_every"`
}

// Overrides set numbers for everything, for a cluster, or for a playbook.
type Overrides struct {
	All       Override            `yaml:"all"`
	Clusters  map[string]Override `yaml:"clusters"`
	Playbooks map[string]Override `yaml:"playbooks"`
}

// Settings are the engine's numbers for a playbook of a tier on a cluster: the
// defaults, then overrides.all, the tier, the cluster and the playbook, each over
// the one before. With empty names they are what holds for the whole fleet.
func (c Config) Settings(tier repair.Tier, cluster, playbook string) repair.Settings {
	s, ok := c.base[tier]
	if !ok {
		s = defaults(tier)
	}
	for _, o := range []Override{c.Overrides.All, c.Tiers[tier], c.Overrides.Clusters[cluster], c.Overrides.Playbooks[playbook]} {
		o.apply(&s)
	}
	return s
}

// apply sets in s what o says.
func (o Override) apply(s *repair.Settings) {
	if o == (Override{}) {
		return
	}
	from, to := reflect.ValueOf(o), reflect.ValueOf(s).Elem()
	for i := range from.NumField() {
		if p := from.Field(i); !p.IsNil() {
			to.FieldByName(from.Type().Field(i).Name).Set(p.Elem())
		}
	}
}

// shortest is the least duration that is taken: less only burns a processor.
const shortest = 10 * time.Millisecond

func (k check) overrides() {
	at := strictyaml.Path{"overrides"}
	k.override(at.Join("all"), k.config.Overrides.All, true)
	k.tiers(strictyaml.Path{"tiers"}, maps.Keys(k.config.Tiers))
	for _, t := range slices.Sorted(maps.Keys(k.config.Tiers)) {
		k.override(strictyaml.Path{"tiers", string(t)}, k.config.Tiers[t], false)
	}
	k.clusters(at.Join("clusters"), maps.Keys(k.config.Overrides.Clusters))
	for _, name := range slices.Sorted(maps.Keys(k.config.Overrides.Clusters)) {
		k.override(at.Join("clusters", name), k.config.Overrides.Clusters[name], false)
	}
	for _, name := range slices.Sorted(maps.Keys(k.config.Overrides.Playbooks)) {
		if !playbookName.MatchString(name) {
			k.doc.KeyErrorf(at.Join("playbooks", name), "%s is no playbook's name: lower-case letters, digits and dashes", strictyaml.Clip(name))
		}
		k.override(at.Join("playbooks", name), k.config.Overrides.Playbooks[name], false)
	}
}

// override checks what one place sets; all is the place for everything.
func (k check) override(at strictyaml.Path, o Override, all bool) {
	v := reflect.ValueOf(o)
	for _, n := range Numbers() {
		if n.Field == "" {
			continue
		}
		p := v.FieldByName(n.Field)
		if p.IsNil() {
			continue
		}
		path, set := at.Join(n.Key), p.Elem()
		d, isDuration := set.Interface().(time.Duration)
		switch {
		case n.Fleet && !all:
			k.doc.KeyErrorf(path, "there is one %s for everything: set it under overrides.all", n.Key)
		case set.IsZero() && n.Zero == "":
			k.doc.Errorf(path, "%s is 0: give it a value, it cannot be turned off", n.Key)
		case isDuration && d > 0 && d < shortest:
			k.doc.Errorf(path, "%s %s is shorter than %s: give it more", n.Key, d, shortest)
		case set.CanInt() && set.Int() < 0:
			k.doc.Errorf(path, "%s is negative: give it a value above 0", n.Key)
		case n.Most > 0 && isDuration && d > time.Duration(n.Most):
			k.doc.Errorf(path, "%s %s is longer than %s: what is older is not kept", n.Key, model.Duration(d), model.Duration(n.Most))
		case n.Most > 0 && set.CanInt() && set.Int() > n.Most:
			k.doc.Errorf(path, "%s is %d: at most %d", n.Key, set.Int(), n.Most)
		}
	}
}
