package repair_test

import (
	"github.com/fettle-io/fettle/promql"
	"github.com/fettle-io/fettle/repair"
)

// parse reads a `verify` as fettle does.
func parse(text string) (repair.Expression, error) {
	x, err := promql.ParseExpression(text)
	return repair.Expression{Labels: x.Labels(), Fill: x.Fill}, err
}
