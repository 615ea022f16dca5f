package promql

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// maxExpression is the longest expression that is taken, in bytes: it is kept in
// the journal with each run.
const maxExpression = 4096

var reference = regexp.MustCompile(`^\$([a-zA-Z_][a-zA-Z0-9_]*)$`)

// Expression is an expression that is true when it returns series, as an alert's
// is, and whose matchers may ask for labels that are known later: instance="$member".
type Expression struct {
	text   string
	labels []string
}

// ParseExpression reads an expression, and refuses what cannot show that something
// is in order: what returns no series or always some, what reads no series, and
// what looks at another time than now. The error says what to write instead.
func ParseExpression(text string) (Expression, error) {
	if len(text) > maxExpression {
		return Expression{}, fmt.Errorf("the expression is longer than %d bytes", maxExpression)
	}
	expr, err := parse(text)
	if err != nil {
		return Expression{}, err
	}
	if err := showing(expr); err != nil {
		return Expression{}, err
	}
	x := Expression{text: text}
	refs, err := references(expr)
	if err != nil {
		return Expression{}, err
	}
	for _, r := range refs {
		if !slices.Contains(x.labels, r.label) {
			x.labels = append(x.labels, r.label)
		}
	}
	slices.Sort(x.labels)
	printed := expr.String()
	if again, err := parse(printed); err != nil || again.String() != printed {
		return Expression{}, fmt.Errorf("%s cannot be written back as it was read: write it more simply", printed)
	}
	return x, nil
}

// Labels are the names of the labels that Fill wants, sorted.
func (x Expression) Labels() []string { return slices.Clone(x.labels) }

// Fill gives the expression with the labels' values in their matchers. A value is
// set in the syntax tree and printed as a string: it cannot become anything else.
func (x Expression) Fill(values map[string]string) (string, error) {
	expr, err := parse(x.text)
	if err != nil {
		return "", err
	}
	refs, err := references(expr)
	if err != nil {
		return "", err
	}
	for _, r := range refs {
		v := values[r.label]
		if v == "" { // would ask for the series that have no such label
			return "", fmt.Errorf("label %s has no value", r.label)
		}
		r.matcher.Value = v
	}
	return expr.String(), nil
}

func parse(text string) (parser.Expr, error) {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	var all parser.ParseErrors
	if errors.As(err, &all) && len(all) > 0 {
		return nil, fmt.Errorf("not PromQL, at character %d: %w", all[0].PositionRange.Start+1, all[0].Err)
	}
	return expr, err
}

// ref is a matcher whose value is a label's, known later.
type ref struct {
	matcher *labels.Matcher
	label   string
}

// references finds them, and refuses every other $.
func references(expr parser.Expr) (refs []ref, err error) {
	for _, s := range selectors(expr) {
		for _, m := range s.LabelMatchers {
			found := reference.FindStringSubmatch(m.Value)
			switch {
			case found == nil:
			case m.Name == model.MetricNameLabel:
				return nil, fmt.Errorf("%s: a label does not name a metric: write its name", m)
			case m.Type != labels.MatchEqual:
				return nil, fmt.Errorf("%s: a label is only asked for with =, as in %s=%q", m, m.Name, m.Value)
			default:
				refs = append(refs, ref{m, found[1]})
			}
		}
	}
	// Each of them prints one.
	if strings.Count(expr.String(), "$") != len(refs) {
		return nil, errors.New("a $ stands only before a label's name, as the whole value of a matcher, such as instance=\"$member\"")
	}
	return refs, nil
}

// selectors are all vector selectors, those inside range selectors too.
func selectors(expr parser.Expr) (all []*parser.VectorSelector) {
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			all = append(all, s)
		}
		return nil
	})
	return all
}

// showing refuses what cannot show that something is in order now.
func showing(expr parser.Expr) error {
	if t := expr.Type(); t != parser.ValueTypeVector {
		return fmt.Errorf("it returns a %s: it must return series where all is well, and none where it is not, such as up{instance=\"$member\"} == 1", parser.DocumentedType(t))
	}
	if len(selectors(expr)) == 0 {
		return errors.New("it reads no series: name a metric that shows that all is well")
	}
	if b, ok := bare(expr).(*parser.BinaryExpr); ok && b.ReturnBool {
		return errors.New("with bool it always returns series, 0 where it does not hold: leave bool out")
	}
	var wrong error
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			if n.OriginalOffset != 0 || n.Timestamp != nil || n.StartOrEnd != 0 {
				wrong = fmt.Errorf("%s looks at another time than now: leave offset and @ out", n)
			}
		case *parser.SubqueryExpr:
			if n.OriginalOffset != 0 || n.Timestamp != nil || n.StartOrEnd != 0 {
				wrong = fmt.Errorf("%s looks at another time than now: leave offset and @ out", n)
			}
		case *parser.Call:
			if strings.HasPrefix(n.Func.Name, "absent") {
				wrong = fmt.Errorf("%s is also true of what nobody scrapes: ask for a series that is there when all is well", n.Func.Name)
			}
		}
		return wrong
	})
	return wrong
}

// bare takes the parentheses off.
func bare(expr parser.Expr) parser.Expr {
	for {
		p, ok := expr.(*parser.ParenExpr)
		if !ok {
			return expr
		}
		expr = p.Expr
	}
}
