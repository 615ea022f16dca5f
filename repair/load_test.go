package repair_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
	"github.com/fettle-io/fettle/playbooks"
	"github.com/fettle-io/fettle/repair"
)

// actions is the part of the real table that loading looks at, and one action
// with parameters.
var actions = map[string]repair.ActionSpec{
	"member-end-hung": {Name: "member-end-hung", Kind: cluster.KindEtcd},
	"member-start":    {Name: "member-start", Kind: cluster.KindEtcd},
	"service-restart": {Name: "service-restart", Kind: cluster.KindService},
	"service-scale": {Name: "service-scale", Kind: cluster.KindService, Params: map[string]repair.Param{
		"mode": {Enum: []string{"slow", "fast"}},
		"zone": {Pattern: "[a-z]{1,8}"},
	}},
}

func TestEmbeddedPlaybooks(t *testing.T) {
	all, err := playbooks.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"etcd-member-restart.yml", "service-restart.yml"} {
		if _, ok := all[want]; !ok {
			t.Errorf("%s is not embedded", want)
		}
	}
	for name, data := range all {
		p, err := repair.LoadPlaybook(name, data, actions, parse)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := os.Stat(filepath.Join("../docs/playbooks", p.Name+".md")); err != nil {
			t.Errorf("playbook %s has no page: %v", p.Name, err)
		}
	}
}

func TestLoadPlaybook(t *testing.T) {
	data, err := os.ReadFile("testdata/service-scale.yml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := repair.LoadPlaybook("/etc/fettle/playbooks/service-scale.yml", data, actions, parse)
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "service-scale" || p.Version != 1 || p.Tier != repair.P1 || p.Ceiling != repair.Approve || p.Description != "Scales a service." {
		t.Errorf("head: %+v", p)
	}
	if want := "/etc/fettle/playbooks/service-scale.yml:2"; p.Source != want {
		t.Errorf("source %s, want %s", p.Source, want)
	}
	sum := sha256.Sum256(data)
	if p.Digest != hex.EncodeToString(sum[:]) {
		t.Errorf("digest %s is not the file's", p.Digest)
	}
	if *p.Settle != 5*time.Second || *p.Cooldown != 0 {
		t.Errorf("settle %v, cooldown %v", *p.Settle, *p.Cooldown)
	}
	if got, want := p.On.String(), `{alertname="ServiceSlow", team=~"a|b"}`; got != want {
		t.Errorf("on %s, want %s", got, want)
	}
	want := repair.TargetRef{Kind: cluster.KindService, Cluster: repair.Value{Literal: "web"}, Member: repair.Value{Label: "instance"}}
	if p.Target != want {
		t.Errorf("target %+v, want %+v", p.Target, want)
	}
	if len(p.Steps) != 2 {
		t.Fatalf("%d steps", len(p.Steps))
	}
	s := p.Steps[0]
	if s.Name != "grow" || s.Action != "service-scale" || s.Deadline != 90*time.Second || s.Attempts != 1 || !s.Once ||
		s.With["mode"] != (repair.Value{Label: "mode"}) || s.With["zone"] != (repair.Value{Literal: "north"}) {
		t.Errorf("step %+v", s)
	}
	if v := p.Verify; v == nil || !slices.Equal(v.Labels, []string{"instance", "mode"}) || v.At.String() != "/etc/fettle/playbooks/service-scale.yml:19:11" {
		t.Errorf("verify %+v", v)
	}
	if s := p.Steps[1]; s.Deadline != 0 || s.Attempts != 0 || s.Once || len(s.With) != 0 {
		t.Errorf("a step that says nothing: %+v", s)
	}
}

// Each testdata/invalid-*.yml breaks one rule, and this is what the reader is told.
func TestInvalidPlaybooks(t *testing.T) {
	want := map[string]string{
		"action-kind":         `15:25: action member-start is for targets of kind etcd, and this playbook's target is of kind service`,
		"action-unknown":      `14:23: unknown action "member-strat"; did you mean "member-start"?`,
		"attempts":            `14:47: attempts is 0: it must be 1 to 10`,
		"autonomy-unknown":    `11:11: unknown autonomy "automatic"; known here: approve, auto, observe`,
		"deadline-unit":       `14:47: steps[0].deadline: "60" has no unit: write 60s if seconds are meant`,
		"everything-missing":  "1:1: the playbook does not say how far it may go by itself: write autonomy: observe, approve or auto (a ceiling, fettle.yml decides below it)\n1:1: the playbook has no name: write name: invalid-everything-missing\n1:1: the playbook has no steps: name at least one, such as {name: start, action: member-start}\n1:1: the playbook has no tier: write tier: P0, P1 or P2\n1:1: the playbook has no version: write version: 1\n1:1: the playbook is for no alert: say under `on` which labels it is for, such as 'alertname=\"NodeDown\"'\n1:1: the target has no cluster: name one, or a declared label: cluster: $cluster\n1:1: the target has no kind: write kind: etcd or service\n1:1: the target has no member: name one, or a declared label: member: $member",
		"key-unknown":         `12:1: unknown key "stpes" at the top level; did you mean "steps"?`,
		"kind-unknown":        `8:16: unknown kind "etdc"; did you mean "etcd"?`,
		"label-both":          `6:12: label "cluster" has both a pattern and an enum: keep one`,
		"label-name":          `6:3: "my-label" is no label name: letters, digits and underscores`,
		"label-undeclared":    "8:42: label \"membre\" is used but not declared: declare it under `labels` with its type; did you mean \"member\"?",
		"label-untyped":       `6:12: label "cluster" has no type: give it a pattern or an enum`,
		"matcher":             `4:6: "alertname" is no matcher: write it like 'alertname="NodeDown"' or 'tier=~"P0|P1"'`,
		"matchers-all":        `4:5: these matchers also match an alert that has none of the labels: add one that asks for a value, such as 'alertname="NodeDown"'`,
		"name-file":           `1:7: name "another-name" is not the file's name: rename the file to another-name.yml, or write name: invalid-name-file`,
		"name-pattern":        `1:7: name "Invalid_Name" must be lower-case letters, digits and dashes, at most 63, and not begin with a dash`,
		"pattern":             "6:22: the pattern of label \"cluster\" does not compile: missing closing ]: `[a-z`",
		"pattern-parentheses": "6:22: the pattern of label \"cluster\" does not compile: unexpected ): `a)|(b`",
		"reference-mixed":     `8:31: "etcd-$cluster": a reference to a label stands alone, as in $cluster; nothing is put together from labels`,
		"settle-zero":         `11:9: settle is 0: a repair must stay in order for a while to count, give it a time such as 60s`,
		"step-name-twice":     `15:12: steps 1 and 2 are both named "start": names are unique in a playbook`,
		"target-otherwise":    "10:11: the member is always \"m1\": instance and unnamed are for alerts that lack its label\n11:9: unit comes from the alert: write a declared label, unit: $unit\n12:12: unknown value \"oldest\"; known here: one-down",
		"tier":                `10:7: unknown tier "P3"; known here: P0, P1, P2`,
		"verify-empty":        `11:9: verify asks nothing: write promql: 'min(up{instance="$member"}) == 1', or leave verify out`,
		"verify-key":          `11:10: unknown key "promQL" in verify; did you mean "promql"?`,
		"verify-mixed":        `11:18: verify: a $ stands only before a label's name, as the whole value of a matcher, such as instance="$member"`,
		"verify-scalar":       `11:18: verify: it returns a scalar: it must return series where all is well, and none where it is not, such as up{instance="$member"} == 1`,
		"verify-syntax":       `11:18: verify: not PromQL, at character 17: unexpected character inside braces: '$'`,
		"verify-undeclared":   "11:18: label \"membre\" is used but not declared: declare it under `labels` with its type; did you mean \"member\"?",
		"version":             `2:10: version 2 is not one that this fettle reads: it reads version 1`,
		"with-enum":           `14:51: "faster" does not fit parameter mode: it must be one of slow, fast`,
		"with-label":          `14:51: label "member" can have values that parameter zone refuses: declare it with the same type (it must match [a-z]{1,8})`,
		"with-unknown":        `14:45: action service-scale has no parameter "mod"; did you mean "mode"?`,
	}
	files, err := filepath.Glob("testdata/invalid-*.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "invalid-"), ".yml")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = repair.LoadPlaybook(filepath.Base(file), data, actions, parse)
			var es strictyaml.Errors
			if !errors.As(err, &es) {
				t.Fatalf("got %v, want errors with their places", err)
			}
			got := strings.ReplaceAll(es.Error(), filepath.Base(file)+":", "")
			if lines := strings.Split(got, "\n"); name == "everything-missing" {
				got = sortedLines(lines)
			}
			if got != want[name] {
				t.Errorf("got\n%s\nwant\n%s", got, want[name])
			}
		})
		delete(want, name)
	}
	for name := range want {
		t.Errorf("testdata/invalid-%s.yml is missing", name)
	}
}
