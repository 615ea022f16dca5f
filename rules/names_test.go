package rules_test

import (
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

const names = "../deploy/prometheus/node-exporter-names.rules.yml"

// Every name of node_exporter's is made of metrics that there are, and the page that
// tells of them lists them all.
func TestPagesOfNodeExportersNames(t *testing.T) {
	content, err := os.ReadFile(names)
	if err != nil {
		t.Fatal(err)
	}
	p := parser.NewParser(parser.Options{})
	groups, errs := rulefmt.Parse(content, false, model.LegacyValidation, p, slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	known, seen := catalogue(t), map[string]bool{}
	var table strings.Builder
	table.WriteString("\n| node_exporter | fettle_exporter |\n|---|---|\n")
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			if !strings.HasPrefix(r.Record, "node_") || seen[r.Record] {
				t.Errorf("records %q: want a name of node_exporter's, each once", r.Record)
			}
			seen[r.Record] = true
			if len(r.Labels) > 0 || g.Interval != 0 {
				t.Errorf("%s: has labels or an interval of its own", r.Record)
			}
			expr, err := p.ParseExpr(r.Expr)
			if err != nil {
				t.Fatal(err)
			}
			parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
				v, ok := node.(*parser.VectorSelector)
				if !ok {
					return nil
				}
				m, there := known[v.Name]
				if !there {
					t.Errorf("%s: there is no metric %q", r.Record, v.Name)
				}
				for _, matcher := range v.LabelMatchers {
					if matcher.Name != model.MetricNameLabel && !strings.Contains(","+strings.Join(m.Labels, ",")+",", ","+matcher.Name+",") {
						t.Errorf("%s: %s has no label %s", r.Record, v.Name, matcher.Name)
					}
				}
				return nil
			})
			fmt.Fprintf(&table, "| `%s` | `%s` |\n", r.Record, strings.ReplaceAll(r.Expr, "|", `\|`))
		}
	}
	page := generated(t, "../node-exporter.md", table.String()+"\n")
	for _, m := range regexp.MustCompile("`(fettle_(?:node|time|unit)_[a-z0-9_]+)`").FindAllStringSubmatch(page, -1) {
		if _, there := known[m[1]]; !there {
			t.Errorf("docs/node-exporter.md speaks of %s, which is no metric", m[1])
		}
	}
}
