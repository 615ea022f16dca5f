package lint

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

// Alert returns what is wrong with an alert beside its expression's names: an
// expression without a condition, which always fires; absent() without a
// duration, which fires at each restart of Prometheus; the ratio of two
// aggregations without a duration, which does when one of them lacks a target; a
// value in a label, which makes another alert of it at each evaluation.
func Alert(expr string, duration time.Duration, labels map[string]string) error {
	parsed, err := parse(expr)
	if err != nil {
		return err
	}
	var found []error
	if !conditional(parsed) {
		found = append(found, errors.New("the expression compares nothing, so that it fires whenever its metrics exist"))
	}
	if duration == 0 && asksAbsence(parsed) {
		found = append(found, errors.New(`absent() without "for" fires as soon as Prometheus starts`))
	}
	if duration == 0 && fragile(parsed) {
		found = append(found, errors.New(`a ratio of two aggregations without "for" fires while one of them has lost a target`))
	}
	for name, value := range labels {
		if strings.Contains(value, "$value") || strings.Contains(value, ".Value") {
			found = append(found, fmt.Errorf("label %s holds the value, so that the alert changes its identity with it", name))
		}
	}
	return errors.Join(found...)
}

// conditional tells whether an expression drops series by their value or by the
// absence of others; of the two sides of an "or" both have to.
func conditional(e parser.Expr) bool {
	switch n := e.(type) {
	case *parser.ParenExpr:
		return conditional(n.Expr)
	case *parser.AggregateExpr:
		return conditional(n.Expr)
	case *parser.Call:
		return n.Func.Name == "absent" || n.Func.Name == "absent_over_time"
	case *parser.BinaryExpr:
		switch {
		case n.Op == parser.LOR:
			return conditional(n.LHS) && conditional(n.RHS)
		case n.Op == parser.LUNLESS, n.Op.IsComparisonOperator() && !n.ReturnBool:
			return true
		default:
			return conditional(n.LHS) || conditional(n.RHS)
		}
	default:
		return false
	}
}

// fragile tells whether two aggregations are divided by one another.
func fragile(e parser.Expr) (is bool) {
	aggregates := func(e parser.Expr) (yes bool) {
		parser.Inspect(e, func(node parser.Node, _ []parser.Node) error {
			_, ok := node.(*parser.AggregateExpr)
			yes = yes || ok
			return nil
		})
		return yes
	}
	parser.Inspect(e, func(node parser.Node, _ []parser.Node) error {
		if n, ok := node.(*parser.BinaryExpr); ok && n.Op == parser.DIV {
			is = is || aggregates(n.LHS) && aggregates(n.RHS)
		}
		return nil
	})
	return is
}

func asksAbsence(e parser.Expr) (asks bool) {
	parser.Inspect(e, func(node parser.Node, _ []parser.Node) error {
		if n, ok := node.(*parser.Call); ok && strings.HasPrefix(n.Func.Name, "absent") {
			asks = true
		}
		return nil
	})
	return asks
}
