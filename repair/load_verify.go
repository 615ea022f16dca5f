package repair

import (
	"maps"
	"slices"

	"github.com/fettle-io/fettle/internal/strictyaml"
)

// verifyYAML is a playbook's `verify` as it is written.
type verifyYAML struct {
	PromQL string `yaml:"promql"`
}

// verify reads the expression; nil where the playbook has none.
func (l *playbookLoader) verify() *Expression {
	if !l.doc.Has(keyPath("verify")) || l.doc.Bad(keyPath("verify")) {
		return nil
	}
	at := keyPath("verify", "promql")
	if l.file.Verify.PromQL == "" {
		l.doc.Errorf(at, "verify asks nothing: write promql: 'min(up{instance=\"$member\"}) == 1', or leave verify out")
		return nil
	}
	x, err := l.parse(l.file.Verify.PromQL)
	if err != nil {
		l.doc.Errorf(at, "verify: %s", err)
		return nil
	}
	for _, name := range x.Labels {
		if _, declared := l.params[name]; !declared {
			l.doc.Errorf(at, undeclared, strictyaml.Clip(name), strictyaml.DidYouMean(name, slices.Collect(maps.Keys(l.params))))
		}
	}
	x.At = l.doc.Position(at)
	return &x
}

// undeclared is what is told of a label that is used, with its name and what there is.
const undeclared = "label %s is used but not declared: declare it under `labels` with its type; %s"
