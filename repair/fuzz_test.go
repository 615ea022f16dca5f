package repair_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
	"github.com/fettle-io/fettle/playbooks"
	"github.com/fettle-io/fettle/repair"
)

// FuzzPlaybook: whatever a playbook says, it is taken or refused with a place and
// one line of plain text for each error; what is taken matches no alert without
// labels, names only actions and parameters that there are, and is the same when
// read again.
func FuzzPlaybook(f *testing.F) {
	embedded, err := playbooks.All()
	if err != nil {
		f.Fatal(err)
	}
	for _, data := range embedded {
		f.Add(data)
	}
	seeds, err := filepath.Glob("testdata/*.yml")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, path := range seeds {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	inv := cluster.Inventory{Clusters: []cluster.Cluster{{Name: "c", Kind: cluster.KindEtcd, Members: []cluster.Member{{Name: "m"}}}}}
	name := regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	f.Fuzz(func(t *testing.T, data []byte) {
		// The file is named as the playbook says, so that this alone refuses none.
		file := "fuzz.yml"
		if m := regexp.MustCompile(`(?m)^name: *([a-z0-9-]+)`).FindSubmatch(data); m != nil {
			file = string(m[1]) + ".yml"
		}
		p, err := repair.LoadPlaybook(file, data, actions, parse)
		if err != nil {
			var all strictyaml.Errors
			if !errors.As(err, &all) || len(all) == 0 {
				t.Fatalf("an error without a place: %v", err)
			}
			for _, e := range all {
				if e.File != file || e.What == "" || !plainText(e.What) {
					t.Fatalf("not one line of plain text: %+q", e)
				}
			}
			return
		}
		if !name.MatchString(p.Name) || p.On.Matches(nil) || len(p.Steps) == 0 || !slices.Contains([]repair.Autonomy{repair.Observe, repair.Approve, repair.Auto}, p.Ceiling) {
			t.Fatalf("taken: %+v", p)
		}
		for _, s := range p.Steps {
			spec, ok := actions[s.Action]
			if !ok || spec.Kind != p.Target.Kind || s.Attempts < 0 || s.Deadline < 0 {
				t.Fatalf("step %+v of a target of kind %s", s, p.Target.Kind)
			}
			for param := range s.With {
				if _, ok := spec.Params[param]; !ok {
					t.Fatalf("step %s gives %q, which its action does not have", s.Name, param)
				}
			}
		}
		labels := map[string]string{"alertname": "A"}
		for name := range p.Labels {
			labels[name] = "-rf\n"
		}
		if p.Verify != nil && (p.Verify.Fill == nil || !strings.HasPrefix(p.Verify.At.String(), file+":")) {
			t.Fatalf("verify %+v", p.Verify)
		}
		if _, _, err := p.Resolve(inv, labels); err == nil && (p.Target.Cluster.Label != "" || p.Target.Member.Label != "") {
			t.Fatal("a hostile label resolved")
		}
		again, err := repair.LoadPlaybook(file, data, actions, parse)
		if err != nil {
			t.Fatalf("taken, and then: %v", err)
		}
		if p.On.String() != again.On.String() || p.Digest != again.Digest || !reflect.DeepEqual(p.Steps, again.Steps) || p.Target != again.Target {
			t.Fatalf("read twice:\n%+v\n%+v", p, again)
		}
	})
}

// plainText plays no tricks on a terminal.
func plainText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
	})
}
