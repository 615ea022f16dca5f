package promql

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// minSamples are how many raw samples of a series must be younger than what is to
// be shown: an instant selector would still give a sample from before it.
const minSamples = 2

// Result is what an expression came to.
type Result struct {
	// True: it returned series.
	True bool
	// Believed: everything that it read was scraped twice since. Without it, True says nothing.
	Believed bool
	// Says is one line for people: what it returned, or why it is not believed.
	Says string
}

// Verify asks whether an expression holds now, by samples that are younger than
// since. It is believed when each vector selector in it, asked as SELECTOR[since],
// has two raw samples of every series that the selector gives, and of one at least.
func (c *Client) Verify(ctx context.Context, expr string, since time.Duration) Result {
	parsed, err := parse(expr)
	if err != nil {
		return Result{Says: err.Error()}
	}
	var asked []string
	for _, s := range selectors(parsed) {
		if selector := s.String(); !slices.Contains(asked, selector) {
			asked = append(asked, selector)
			if says, ok := c.scraped(ctx, selector, since); !ok {
				return Result{Says: says}
			}
		}
	}
	value, err := c.ask(ctx, expr)
	if err != nil {
		return Result{Says: err.Error()}
	}
	v, ok := value.(model.Vector)
	if !ok {
		return Result{Says: fmt.Sprintf("it returned a %s", value.Type())}
	}
	return Result{True: len(v) > 0, Believed: true, Says: returned(v)}
}

// scraped tells whether what a selector gives was scraped often enough since; if
// not, says is why.
func (c *Client) scraped(ctx context.Context, selector string, since time.Duration) (says string, ok bool) {
	window := model.Duration(since.Truncate(time.Millisecond))
	if window <= 0 {
		return fmt.Sprintf("%s: no time has passed yet", selector), false
	}
	now, err := c.ask(ctx, selector)
	if err != nil {
		return err.Error(), false
	}
	// No time is given, so Prometheus' own clock decides what is young; asked later,
	// the window begins later.
	raw, err := c.ask(ctx, fmt.Sprintf("%s[%s]", selector, window))
	if err != nil {
		return err.Error(), false
	}
	given, isVector := now.(model.Vector)
	series, isMatrix := raw.(model.Matrix)
	if !isVector || !isMatrix {
		return fmt.Sprintf("%s: the answers are a %s and a %s", selector, now.Type(), raw.Type()), false
	}
	samples := map[model.Fingerprint]int{}
	most := 0
	for _, s := range series {
		n := len(s.Values) + len(s.Histograms)
		samples[s.Metric.Fingerprint()] = n
		most = max(most, n)
	}
	if most < minSamples {
		return fmt.Sprintf("%s[%s] has %s, and %d of one series are needed", selector, window, count(most), minSamples), false
	}
	for _, s := range given {
		if n := samples[s.Metric.Fingerprint()]; n < minSamples {
			return fmt.Sprintf("%s[%s] has %s of %s, and %d are needed", selector, window, count(n), shown(s.Metric), minSamples), false
		}
	}
	return "", true
}

func (c *Client) ask(ctx context.Context, query string) (model.Value, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	value, _, _, err := c.api.Query(ctx, query, time.Time{})
	if err != nil {
		return nil, fmt.Errorf("no answer from Prometheus to %s: %w", query, err)
	}
	return value, nil
}

func count(n int) string {
	switch n {
	case 0:
		return "no sample"
	case 1:
		return "one sample"
	}
	return fmt.Sprintf("%d samples", n)
}

// returned is a result for people, the first few series of it.
func returned(v model.Vector) string {
	if len(v) == 0 {
		return "it returned nothing"
	}
	const few = 3
	var b strings.Builder
	b.WriteString("it returned ")
	for i, s := range v[:min(few, len(v))] {
		if i > 0 {
			b.WriteString(", ")
		}
		value := s.Value.String()
		if s.Histogram != nil {
			value = "a histogram"
		}
		fmt.Fprintf(&b, "%s %s", shown(s.Metric), value)
	}
	if n := len(v) - few; n > 0 {
		fmt.Fprintf(&b, " and %d more", n)
	}
	return b.String()
}

// shown is a series' labels, not longer than a line.
func shown(m model.Metric) string {
	const line = 200
	s := m.String()
	if len(s) > line {
		s = strings.ToValidUTF8(s[:line], "") + "…"
	}
	return s
}
