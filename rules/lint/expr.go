package lint

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// ofCounters are the functions that only make sense of counters, ofGauges those
// that a counter's reset leads astray.
func ofCounters() []string { return []string{"rate", "irate", "increase", "resets"} }
func ofGauges() []string {
	return []string{"delta", "idelta", "deriv", "predict_linear", "double_exponential_smoothing"}
}

// shortest is what a rate has to look back over: four scrapes at the interval that
// Prometheus' own samples have.
const shortest = time.Minute

// Expr parses an expression of PromQL and returns everything in it that cannot
// be, joined: metrics that are not in the catalogue, labels that their metrics
// do not have, functions over the wrong type of metric or over fewer than four
// scrapes, sides that never meet, counters compared with a number, needless
// regular expressions.
func Expr(text string, c Catalogue) error {
	expr, err := parse(text)
	if err != nil {
		return err
	}
	var found []error
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			found = append(found, selector(n, c)...)
		case *parser.Call:
			found = append(found, call(n, c)...)
		case *parser.AggregateExpr:
			if !n.Without {
				found = append(found, has(n.Expr, n.Grouping, c)...)
			}
		case *parser.BinaryExpr:
			if m := n.VectorMatching; m != nil && m.On {
				found = append(found, has(n.LHS, m.MatchingLabels, c)...)
				found = append(found, has(n.RHS, m.MatchingLabels, c)...)
			}
			found = append(found, c.join(n)...)
			found = append(found, raw(n, c)...)
		}
		return nil
	})
	return errors.Join(found...)
}

func parse(text string) (parser.Expr, error) {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	return expr, nil
}

// selector checks the name and the labels of one selector.
func selector(s *parser.VectorSelector, c Catalogue) (found []error) {
	if s.Name == "" {
		return []error{fmt.Errorf("%s selects without a metric name", s)}
	}
	known, ok := c.find(s.Name)
	if !ok {
		return []error{fmt.Errorf("no program publishes %s", s.Name)}
	}
	for _, m := range s.LabelMatchers {
		if m.Name != model.MetricNameLabel && !known.has(m.Name) {
			found = append(found, fmt.Errorf("%s has no label %s", s.Name, m.Name))
		}
		if (m.Type == labels.MatchRegexp || m.Type == labels.MatchNotRegexp) && m.Value == regexp.QuoteMeta(m.Value) {
			found = append(found, fmt.Errorf("%s: %s is no regular expression: = and != are cheaper and say what is meant", s.Name, m))
		}
	}
	return found
}

// call checks that a function is given the type of metric that it is for.
func call(n *parser.Call, c Catalogue) (found []error) {
	name := n.Func.Name
	if name == "histogram_quantile" {
		return quantile(n)
	}
	forCounters, forGauges := slices.Contains(ofCounters(), name), slices.Contains(ofGauges(), name)
	if !forCounters && !forGauges {
		return nil
	}
	if _, ok := n.Args[0].(*parser.MatrixSelector); !ok && forCounters {
		// The rate of a sum takes one restart for a reset of them all.
		return []error{fmt.Errorf("%s has to be taken of a metric itself: %s", name, n)}
	}
	if m, ok := n.Args[0].(*parser.MatrixSelector); ok && forCounters && m.Range < shortest {
		found = append(found, fmt.Errorf("%s over %s: want 1m or more, four scrapes of 15s, or one that is missed leaves nothing", name, m.Range))
	}
	for _, s := range selectors(n.Args[0]) {
		known, ok := c.find(s.Name)
		switch {
		case !ok: // selector has said so
		case forCounters && !known.counter:
			found = append(found, fmt.Errorf("%s of %s, which is a gauge", name, s.Name))
		case forGauges && known.counter:
			found = append(found, fmt.Errorf("%s of %s, which is a counter", name, s.Name))
		}
	}
	return found
}

// raw checks that no counter as it stands is compared with a number: it grows for
// as long as its program runs. Above zero it says that something happened at all.
func raw(n *parser.BinaryExpr, c Catalogue) (found []error) {
	if !n.Op.IsComparisonOperator() {
		return nil
	}
	for side, other := range map[parser.Expr]parser.Expr{n.LHS: n.RHS, n.RHS: n.LHS} {
		s, ok := bare(side).(*parser.VectorSelector)
		if !ok {
			continue
		}
		known, there := c.find(s.Name)
		number, is := bare(other).(*parser.NumberLiteral)
		if there && known.counter && is && number.Val != 0 {
			found = append(found, fmt.Errorf("%s is a counter: compare its rate or increase", s.Name))
		}
	}
	return found
}

// bare is an expression without parentheses and without what only drops labels.
func bare(e parser.Expr) parser.Expr {
	switch n := e.(type) {
	case *parser.ParenExpr:
		return bare(n.Expr)
	case *parser.AggregateExpr:
		if n.Op == parser.COUNT || n.Op == parser.COUNT_VALUES || n.Op == parser.GROUP {
			return n
		}
		return bare(n.Expr)
	default:
		return e
	}
}

// quantile checks that what a quantile is taken of still has its buckets.
func quantile(n *parser.Call) []error {
	for _, s := range selectors(n) {
		if !strings.HasSuffix(s.Name, "_bucket") {
			return []error{fmt.Errorf("histogram_quantile of %s, which has no buckets", s.Name)}
		}
	}
	if a, ok := n.Args[1].(*parser.AggregateExpr); ok && slices.Contains(a.Grouping, "le") == a.Without {
		return []error{fmt.Errorf("histogram_quantile of a sum that loses le: %s", n)}
	}
	return nil
}

// has checks that some series below the expression has each of the labels.
func has(e parser.Expr, names []string, c Catalogue) (found []error) {
	below := selectors(e)
	if len(below) == 0 {
		return nil
	}
	for _, name := range names {
		if !counted(e, name) && !slices.ContainsFunc(below, func(s *parser.VectorSelector) bool {
			known, ok := c.find(s.Name)
			return !ok || known.has(name)
		}) {
			found = append(found, fmt.Errorf("nothing in %s has the label %s", e, name))
		}
	}
	return found
}

// counted tells that count_values below the expression makes the label.
func counted(e parser.Expr, label string) (found bool) {
	parser.Inspect(e, func(node parser.Node, _ []parser.Node) error {
		if a, ok := node.(*parser.AggregateExpr); ok && a.Op == parser.COUNT_VALUES {
			made, ok := a.Param.(*parser.StringLiteral)
			found = found || ok && made.Val == label
		}
		return nil
	})
	return found
}

func selectors(e parser.Expr) (all []*parser.VectorSelector) {
	parser.Inspect(e, func(node parser.Node, _ []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			all = append(all, s)
		}
		return nil
	})
	return all
}
