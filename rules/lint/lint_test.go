package lint_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/rules/lint"
)

func catalogue(t *testing.T) lint.Catalogue {
	t.Helper()
	c, err := lint.ReadCatalogue(strings.NewReader(`
# a comment
margin        gauge     cluster
writes_total  counter   cluster,code
took_seconds  histogram stage
`))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestExpr(t *testing.T) {
	for _, tc := range []struct{ expr, want string }{
		{`max by (cluster) (margin{cluster="a",job="x"}) < 0`, ""},
		{`sum by (code) (rate(writes_total[5m]))`, ""},
		{`sum without (instance) (rate(writes_total[5m])) > 0`, ""},
		{`histogram_quantile(0.9, sum by (le, stage) (rate(took_seconds_bucket[5m])))`, ""},
		{`rate(took_seconds_sum[5m]) / rate(took_seconds_count[5m])`, ""},
		{`predict_linear(margin[6h], 60) < 0 and on (cluster) writes_total > 0`, ""},
		{`up{job="x"} == 0 or absent(up{job="x"})`, ""},
		{`ALERTS{alertname="A",tier="P0"}`, ""},
		{`max_over_time(margin[6h:5m])`, ""},
		{`vector(1)`, ""},
		{`count_values by (cluster) ("value", margin) * on (cluster, value) count_values by (cluster) ("value", margin)`, ""},

		{`margin{cluster=~"a|b"} / ignoring (code) sum without (code) (writes_total)`, ""},
		{`writes_total > 0 unless writes_total offset 15m`, ""},
		{`rate(writes_total[5m]) / on (cluster) group_left () margin`, ""},
		{`count by (cluster) (writes_total) > 3`, ""},

		{`margin <`, "unexpected end of input"},
		{`margins < 0`, "no program publishes margins"},
		{`took_seconds`, "no program publishes took_seconds"},
		{`margin_bucket`, "no program publishes margin_bucket"},
		{`{cluster="a"}`, "without a metric name"},
		{`margin{member="a"}`, "margin has no label member"},
		{`sum by (member) (margin)`, "has the label member"},
		{`margin and on (code) writes_total`, "nothing in margin has the label code"},
		{`count_values by (cluster) ("value", margin) * on (values) margin`, "has the label values"},
		{`rate(margin[5m])`, "rate of margin, which is a gauge"},
		{`deriv(writes_total[5m])`, "deriv of writes_total, which is a counter"},
		{`rate(writes_total[30s]) > 0`, "want 1m or more"},
		{`writes_total > 100`, "writes_total is a counter"},
		{`100 < sum by (cluster) (writes_total)`, "writes_total is a counter"},
		{`margin{cluster=~"a"}`, "is no regular expression"},
		{`margin{cluster!~"a"}`, "is no regular expression"},
		{`margin / writes_total`, "impossible: the sides of / have the labels [cluster instance job] and [cluster code instance job]"},
		{`max by (cluster) (margin) and max by (cluster, code) (writes_total)`, "impossible"},
		{`margin and on (cluster) sum by (code) (writes_total)`, "only one side of and on (cluster) has the label cluster"},
		{`sum(margin) unless on (cluster) margin`, "only one side of unless on (cluster) has the label cluster"},
		{`rate(sum(writes_total)[5m:])`, "of a metric itself"},
		{`histogram_quantile(0.9, rate(writes_total[5m]))`, "has no buckets"},
		{`histogram_quantile(0.9, sum by (stage) (rate(took_seconds_bucket[5m])))`, "loses le"},
		{`histogram_quantile(0.9, sum without (le) (rate(took_seconds_bucket[5m])))`, "loses le"},
	} {
		expect(t, tc.expr, lint.Expr(tc.expr, catalogue(t)), tc.want)
	}
}

func TestAlert(t *testing.T) {
	for _, tc := range []struct {
		expr     string
		duration time.Duration
		labels   map[string]string
		want     string
	}{
		{expr: `max(margin) < 0`},
		{expr: `sum(margin < 0)`},
		{expr: `margin unless on (cluster) writes_total`},
		{expr: `margin == 0 or absent(margin)`, duration: time.Minute},
		{expr: `margin and (writes_total > 3)`},

		{expr: `max(margin)`, want: "compares nothing"},
		{expr: `margin < bool 0`, want: "compares nothing"},
		{expr: `margin == 0 or writes_total`, want: "compares nothing"},
		{expr: `rate(writes_total[5m])`, want: "compares nothing"},
		{expr: `absent(margin)`, want: `absent() without "for"`},
		{expr: `sum(margin) / count(margin) < 1`, want: `a ratio of two aggregations without "for"`},
		{expr: `sum(margin) / count(margin) < 1`, duration: time.Minute},
		{expr: `margin <`, want: "unexpected end of input"},
		{expr: `margin < 0`, labels: map[string]string{"v": "{{ $value }}"}, want: "label v holds the value"},
	} {
		expect(t, tc.expr, lint.Alert(tc.expr, tc.duration, tc.labels), tc.want)
	}
}

func TestLabels(t *testing.T) {
	for expr, want := range map[string]string{
		`margin`:                                           "cluster instance job",
		`sum by (cluster, code) (margin)`:                  "cluster",
		`sum without (instance) (margin)`:                  "cluster job",
		`rate(writes_total[5m])`:                           "cluster code instance job",
		`margin * on (cluster) margin`:                     "cluster",
		`margin and on (cluster) writes_total`:             "cluster instance job",
		`writes_total * on (cluster) group_left () margin`: "cluster code instance job",
		`margin or writes_total`:                           "cluster code instance job",
		`count_values by (cluster) ("value", margin)`:      "cluster value",
		`1 - margin`:                                       "cluster instance job",
		`vector(1)`:                                        "",
		`topk by (cluster) (1, margin)`:                    "cluster instance job",
		`max_over_time(margin[6h:5m])`:                     "cluster instance job",
		`label_replace(margin, "a", "b", "c", "d")`:        "",
		`histogram_quantile(0.9, sum by (le, stage) (rate(took_seconds_bucket[5m])))`: "stage",
	} {
		got, err := lint.Labels(expr, catalogue(t))
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v, %v, want %s", expr, got, err, want)
		}
	}
}

func TestTemplate(t *testing.T) {
	c := catalogue(t)
	expect(t, "a label that is there", lint.Template(`max by (cluster) (margin) < 0`, "{{ $labels.cluster }}", c), "")
	expect(t, "one that is lost", lint.Template(`max by (cluster) (margin) < 0`, "{{ $labels.instance }}", c), "names the label instance")
	expect(t, "not known", lint.Template(`absent(up)`, "{{ $labels.instance }}", c), "")
	expect(t, "no expression", lint.Template(`max(`, "", c), "unclosed")
}

func TestReadCatalogueRefuses(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"margin", "line 1"},
		{"margin gauge a b", "line 1"},
		{"\nmargin summary a", `line 2: margin has the type "summary"`},
		{"margin gauge\nmargin gauge", "line 2: margin is there twice"},
	} {
		_, err := lint.ReadCatalogue(strings.NewReader(tc.text))
		expect(t, tc.text, err, tc.want)
	}
}

// expect wants no error where want is empty, else one that says want.
func expect(t *testing.T, what string, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: %v", what, err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("%s: got %v, want %q", what, err, want)
	}
}
