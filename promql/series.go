package promql

import (
	"context"
	"fmt"
	"math"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// maxSeries is how many series of an answer are taken: more are for a dashboard.
const maxSeries = 5000

// Series are the values of one set of labels, the oldest first. Values that are no
// number, and native histograms, are left out.
type Series struct {
	Labels map[string]string
	Values []Value
}

// Value is a number at a time.
type Value struct {
	At    time.Time
	Value float64
}

// Now asks for what an expression is at present, by Prometheus' own clock: a value for
// each series. An answer of more than 5,000 series is cut.
func (c *Client) Now(ctx context.Context, expr string) ([]Series, error) {
	answer, err := c.ask(ctx, expr)
	if err != nil {
		return nil, err
	}
	vector, ok := answer.(model.Vector)
	if !ok {
		return nil, fmt.Errorf("%s is a %s, and no vector", expr, answer.Type())
	}
	var all []Series
	for _, s := range vector[:min(len(vector), maxSeries)] {
		if s.Histogram == nil && !math.IsNaN(float64(s.Value)) {
			all = append(all, Series{Labels: texts(model.LabelSet(s.Metric)), Values: []Value{{s.Timestamp.Time(), float64(s.Value)}}})
		}
	}
	return all, nil
}

// Range asks for what an expression was from one time to another, step by step.
func (c *Client) Range(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]Series, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	answer, _, _, err := c.api.QueryRange(ctx, expr, v1.Range{Start: from, End: to, Step: step})
	if err != nil {
		return nil, fmt.Errorf("no answer from Prometheus to %s: %w", expr, err)
	}
	matrix, ok := answer.(model.Matrix)
	if !ok {
		return nil, fmt.Errorf("%s is a %s, and no matrix", expr, answer.Type())
	}
	var all []Series
	for _, s := range matrix[:min(len(matrix), maxSeries)] {
		one := Series{Labels: texts(model.LabelSet(s.Metric))}
		for _, v := range s.Values {
			if !math.IsNaN(float64(v.Value)) {
				one.Values = append(one.Values, Value{v.Timestamp.Time(), float64(v.Value)})
			}
		}
		all = append(all, one)
	}
	return all, nil
}
