package lint

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// Labels returns the labels that the series of an expression have, sorted, as far
// as the catalogue knows: nil where they cannot be known.
func Labels(text string, c Catalogue) ([]string, error) {
	expr, err := parse(text)
	if err != nil {
		return nil, err
	}
	found := c.labels(expr)
	if found.any {
		return nil, nil
	}
	return found.sorted(), nil
}

// Template returns an error for each label that a text of an alert names and the
// series of its expression do not have: it would be empty.
func Template(expr, text string, c Catalogue) error {
	parsed, err := parse(expr)
	if err != nil {
		return err
	}
	have := c.labels(parsed)
	var found []error
	for _, m := range named.FindAllStringSubmatch(text, -1) {
		if !have.has(m[1]) {
			found = append(found, fmt.Errorf("the text names the label %s, which the expression does not have", m[1]))
		}
	}
	return errors.Join(found...)
}

var named = regexp.MustCompile(`\$labels\.(\w+)`)

// labelSet is the labels of a vector: those of all its series together.
type labelSet struct {
	names map[string]bool
	any   bool // not known
}

func setOf(names ...string) labelSet {
	s := labelSet{names: map[string]bool{}}
	for _, n := range names {
		s.names[n] = true
	}
	return s
}

func (s labelSet) has(name string) bool { return s.any || s.names[name] }

func (s labelSet) sorted() []string { return slices.Sorted(maps.Keys(s.names)) }

func (s labelSet) only(names []string) labelSet {
	if s.any {
		return setOf(names...)
	}
	out := setOf()
	for _, n := range names {
		if s.names[n] {
			out.names[n] = true
		}
	}
	return out
}

func (s labelSet) without(names []string) labelSet {
	out := labelSet{names: maps.Clone(s.names), any: s.any}
	for _, n := range names {
		delete(out.names, n)
	}
	return out
}

func (s labelSet) and(other labelSet) labelSet {
	out := labelSet{names: maps.Clone(s.names), any: s.any || other.any}
	maps.Copy(out.names, other.names)
	return out
}

// labels finds the labels of what an expression gives.
func (c Catalogue) labels(e parser.Expr) labelSet {
	switch n := e.(type) {
	case *parser.ParenExpr:
		return c.labels(n.Expr)
	case *parser.UnaryExpr:
		return c.labels(n.Expr)
	case *parser.StepInvariantExpr:
		return c.labels(n.Expr)
	case *parser.SubqueryExpr:
		return c.labels(n.Expr)
	case *parser.MatrixSelector:
		return c.labels(n.VectorSelector)
	case *parser.VectorSelector:
		known, ok := c.find(n.Name)
		if !ok || known.any {
			return labelSet{any: true, names: map[string]bool{}}
		}
		return setOf(known.labels...)
	case *parser.Call:
		return c.ofCall(n)
	case *parser.AggregateExpr:
		return c.ofAggregate(n)
	case *parser.BinaryExpr:
		return c.ofBinary(n)
	default:
		return setOf()
	}
}

func (c Catalogue) ofCall(n *parser.Call) labelSet {
	if strings.HasPrefix(n.Func.Name, "label_") || strings.HasPrefix(n.Func.Name, "absent") || n.Func.Name == "info" {
		return labelSet{any: true, names: map[string]bool{}}
	}
	for _, arg := range n.Args {
		if t := arg.Type(); t == parser.ValueTypeVector || t == parser.ValueTypeMatrix {
			below := c.labels(arg)
			if n.Func.Name == "histogram_quantile" {
				below = below.without([]string{"le"})
			}
			return below
		}
	}
	return setOf()
}

func (c Catalogue) ofAggregate(n *parser.AggregateExpr) labelSet {
	below := c.labels(n.Expr)
	switch n.Op {
	case parser.TOPK, parser.BOTTOMK, parser.LIMITK, parser.LIMIT_RATIO:
		return below
	}
	out := below.only(n.Grouping)
	if n.Without {
		out = below.without(n.Grouping)
	}
	if made, ok := n.Param.(*parser.StringLiteral); ok && n.Op == parser.COUNT_VALUES {
		out = out.and(setOf(made.Val))
	}
	return out
}

func (c Catalogue) ofBinary(n *parser.BinaryExpr) labelSet {
	left, right := c.labels(n.LHS), c.labels(n.RHS)
	m := n.VectorMatching
	switch {
	case m == nil: // a scalar on one side
		return left.and(right)
	case n.Op == parser.LOR:
		return left.and(right)
	case n.Op == parser.LAND, n.Op == parser.LUNLESS:
		return left
	case m.Card == parser.CardManyToOne:
		return left.and(right.only(m.Include))
	case m.Card == parser.CardOneToMany:
		return right.and(left.only(m.Include))
	case n.Op.IsComparisonOperator() && !n.ReturnBool:
		return left
	case m.On:
		return left.only(m.MatchingLabels)
	default:
		return left.without(m.MatchingLabels)
	}
}

// join says why two sides never meet: a label that one of them has lost.
func (c Catalogue) join(n *parser.BinaryExpr) (found []error) {
	m := n.VectorMatching
	if m == nil || n.Op == parser.LOR {
		return nil
	}
	left, right := c.labels(n.LHS), c.labels(n.RHS)
	if m.On {
		for _, name := range m.MatchingLabels {
			if left.has(name) != right.has(name) {
				found = append(found, fmt.Errorf("impossible: only one side of %s on (%s) has the label %s", n.Op, strings.Join(m.MatchingLabels, ", "), name))
			}
		}
		return found
	}
	if left.any || right.any {
		return nil
	}
	left, right = left.without(m.MatchingLabels), right.without(m.MatchingLabels)
	if !maps.Equal(left.names, right.names) {
		found = append(found, fmt.Errorf("impossible: the sides of %s have the labels %v and %v, and match by all of them", n.Op, left.sorted(), right.sorted()))
	}
	return found
}
