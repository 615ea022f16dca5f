package promql

import (
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

func TestParseExpression(t *testing.T) {
	for text, want := range map[string]struct {
		labels string
		filled string
	}{
		`min(up{job="api", instance="$member"}) == 1`: {"member", `min(up{instance="v",job="api"}) == 1`},
		`up`: {"", `up`},
		`a{x="$b",y="$a"} > 0 and on (x) rate(c{x="$b"}[5m]) > 0`:         {"a b", `a{x="v",y="v"} > 0 and on (x) rate(c{x="v"}[5m]) > 0`},
		"# $not a label\nup{a='$a'} == 1":                                 {"a", `up{a="v"} == 1`},
		`sum(rate(errors{a="$a"}[1m])) / sum(rate(all{a="$a"}[1m])) < .1`: {"a", `sum(rate(errors{a="v"}[1m])) / sum(rate(all{a="v"}[1m])) < 0.1`},
		`max_over_time(up{a="$a"}[5m:1m]) == 1`:                           {"a", `max_over_time(up{a="v"}[5m:1m]) == 1`},
	} {
		x, err := ParseExpression(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := strings.Join(x.Labels(), " "); got != want.labels {
			t.Errorf("%s: labels %s, want %s", text, got, want.labels)
		}
		got, err := x.Fill(map[string]string{"member": "v", "a": "v", "b": "v"})
		if err != nil || got != want.filled {
			t.Errorf("%s: filled %s, %v, want %s", text, got, err, want.filled)
		}
	}
}

func TestParseExpressionRefuses(t *testing.T) {
	const dollar = `a $ stands only before a label's name, as the whole value of a matcher, such as instance="$member"`
	for text, want := range map[string]string{
		``:                                   `not PromQL, at character 1: no expression found in input`,
		`up ==`:                              `not PromQL, at character 6: unexpected end of input`,
		`up{a=$a}`:                           `not PromQL, at character 6: unexpected character inside braces: '$'`,
		`nosuch(up)`:                         `not PromQL, at character 1: unknown function with name "nosuch"`,
		`1 == bool 1`:                        `it returns a scalar: it must return series where all is well, and none where it is not, such as up{instance="$member"} == 1`,
		`up[5m]`:                             `it returns a range vector: it must return series where all is well, and none where it is not, such as up{instance="$member"} == 1`,
		`vector(1) == 1`:                     `it reads no series: name a metric that shows that all is well`,
		`(up == bool 1)`:                     `with bool it always returns series, 0 where it does not hold: leave bool out`,
		`up offset 5m == 1`:                  `up offset 5m looks at another time than now: leave offset and @ out`,
		`max_over_time(up[5m:1m] @ 100) > 0`: `up[5m:1m] @ 100.000 looks at another time than now: leave offset and @ out`,
		`absent(up)`:                         `absent is also true of what nobody scrapes: ask for a series that is there when all is well`,
		`up{a=~"$a"}`:                        `a=~"$a": a label is only asked for with =, as in a="$a"`,
		`up{a!="$a"}`:                        `a!="$a": a label is only asked for with =, as in a="$a"`,
		`{__name__="$a"}`:                    `__name__="$a": a label does not name a metric: write its name`,
		`{"$a"}`:                             `__name__="$a": a label does not name a metric: write its name`,
		`up{a="x$a"}`:                        dollar,
		`up{a="$a-b"}`:                       dollar,
		`up{a=~".*$"}`:                       dollar,
		`up{a="$"}`:                          dollar,
		`up{"$a"="b"}`:                       dollar,
		`label_replace(up, "a", "$1", "b", "(.*)") == 1`: dollar,
		`up == 1 # ` + strings.Repeat("x", 5000):         `the expression is longer than 4096 bytes`,
	} {
		if _, err := ParseExpression(text); err == nil {
			t.Errorf("%.40s was taken", text)
		} else if err.Error() != want {
			t.Errorf("%.40s:\ngot  %s\nwant %s", text, err, want)
		}
	}
}

// hostile are label values that would change an expression that is put together as text.
var hostile = []string{ //nolint:gochecknoglobals // a table that is read only
	`"`, `"} or vector(1) #`, `a",job=~".*`, `}`, `{`, `\`, `\"`, "a\nb", "`", `'`, `$member`, `$$`, `{{ .Labels }}`, "\x00", "\u202e", "ü", `%s%!d(`,
	`a" or up{instance!="`, strings.Repeat(`"`, 1024),
}

// shape is the syntax tree without the filled value.
func shape(t *testing.T, text, value string) string {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	n := 0
	for _, s := range selectors(expr) {
		for _, m := range s.LabelMatchers {
			if m.Type == labels.MatchEqual && m.Name == "instance" && m.Value == value {
				m.Value = "VALUE"
				n++
			}
		}
	}
	if n != 2 {
		t.Errorf("%q is the value of %d matchers, want 2, in %s", value, n, text)
	}
	return parser.Tree(expr)
}

func TestHostileValues(t *testing.T) {
	x, err := ParseExpression(`min by (job) (up{instance="$member"}) == 1 unless rate(errors{instance="$member"}[5m]) > 0`)
	if err != nil {
		t.Fatal(err)
	}
	fill := func(v string) string {
		text, err := x.Fill(map[string]string{"member": v})
		if err != nil {
			t.Fatal(err)
		}
		return shape(t, text, v)
	}
	want := fill("plain")
	for _, v := range hostile {
		if got := fill(v); got != want {
			t.Errorf("%q changes the expression:\n%s", v, got)
		}
	}
	if _, err := x.Fill(map[string]string{"member": ""}); err == nil || err.Error() != "label member has no value" {
		t.Errorf("an empty value: %v", err)
	}
}

func FuzzExpression(f *testing.F) {
	for _, v := range hostile {
		f.Add(`up{instance="$member"} == 1`, v)
		f.Add(v, "x")
	}
	f.Add(`sum by (a) (rate(x{a!~"b|c", d="$member"}[5m])) / 2 < bool 1 and on () y`, "m1")
	f.Fuzz(func(t *testing.T, text, value string) {
		x, err := ParseExpression(text)
		if err != nil || value == "" {
			return
		}
		values := map[string]string{}
		for _, l := range x.Labels() {
			values[l] = value
		}
		filled, err := x.Fill(values)
		if err != nil {
			t.Fatal(err)
		}
		plain, _ := parse(text)
		got, err := parse(filled)
		if err != nil {
			t.Fatalf("%s: %v", filled, err)
		}
		if a, b := len(selectors(plain)), len(selectors(got)); a != b || len(parser.Children(plain)) != len(parser.Children(got)) {
			t.Errorf("%q in %q made %s", value, text, filled)
		}
	})
}
