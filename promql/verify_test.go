package promql

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// answering is a fake Prometheus with an answer for each query.
func answering(t *testing.T, answers map[string]string) *Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		body, ok := answers[r.Form.Get("query")]
		if !ok {
			text, _ := json.Marshal("nobody expects " + r.Form.Get("query"))
			w.WriteHeader(http.StatusBadRequest)
			body = fmt.Sprintf(`{"status":"error","errorType":"bad_data","error":%s}`, text)
		}
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	c, err := New(Options{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func vector(values ...string) string {
	series := ""
	for i, v := range values {
		if i > 0 {
			series += ","
		}
		series += fmt.Sprintf(`{"metric":{"instance":"e%d"},"value":[1,%q]}`, i, v)
	}
	return `{"status":"success","data":{"resultType":"vector","result":[` + series + `]}}`
}

func TestVerify(t *testing.T) {
	const two, one = `[[1,"1"],[2,"1"]]`, `[[1,"1"]]`
	for name, c := range map[string]struct {
		expr    string
		since   time.Duration
		answers map[string]string
		want    Result
	}{
		"holds": {"min(up) == 1", 63500 * time.Millisecond, map[string]string{
			"up": vector("1"), "up[1m3s500ms]": matrix(two), "min(up) == 1": vector("1"),
		}, Result{true, true, `it returned {instance="e0"} 1`}},
		"does not hold": {"min(up) == 1", time.Minute, map[string]string{
			"up": vector("1"), "up[1m]": matrix(two), "min(up) == 1": vector(),
		}, Result{false, true, "it returned nothing"}},
		"many": {"up == 1", time.Minute, map[string]string{
			"up": vector("1", "1", "1", "1"), "up[1m]": matrix(two, two, two, two), "up == 1": vector("1", "1", "1", "1"),
		}, Result{true, true, `it returned {instance="e0"} 1, {instance="e1"} 1, {instance="e2"} 1 and 1 more`}},
		"one sample": {"up == 1", time.Minute, map[string]string{
			"up": vector("1"), "up[1m]": matrix(one), "up == 1": vector("1"),
		}, Result{Says: "up[1m] has one sample, and 2 of one series are needed"}},
		"no series": {"up == 1", time.Minute, map[string]string{
			"up": vector(), "up[1m]": matrix(), "up == 1": vector(),
		}, Result{Says: "up[1m] has no sample, and 2 of one series are needed"}},
		"one of two not scraped since": {"up == 1", time.Minute, map[string]string{
			"up": vector("1", "1"), "up[1m]": matrix(two), "up == 1": vector("1", "1"),
		}, Result{Says: `up[1m] has no sample of {instance="e1"}, and 2 are needed`}},
		"one of two went away": {"up == 1", time.Minute, map[string]string{
			"up": vector("1"), "up[1m]": matrix(two, one), "up == 1": vector("1"),
		}, Result{true, true, `it returned {instance="e0"} 1`}},
		"every selector, once": {`a + a + rate(b{x="y"}[5m]) > 0`, time.Minute, map[string]string{
			"a": vector("1"), "a[1m]": matrix(two), `b{x="y"}`: vector("1"), `b{x="y"}[1m]`: matrix(one),
		}, Result{Says: `b{x="y"}[1m] has one sample, and 2 of one series are needed`}},
		"no time has passed": {"up == 1", 900 * time.Microsecond, nil, Result{Says: "up: no time has passed yet"}},
		"an error": {"up == 1", time.Minute, nil,
			Result{Says: "no answer from Prometheus to up: bad_data: nobody expects up"}},
		"another type": {"up == 1", time.Minute, map[string]string{"up": matrix(two), "up[1m]": matrix(two)},
			Result{Says: "up: the answers are a matrix and a matrix"}},
		"not PromQL": {"up ==", time.Minute, nil, Result{Says: "not PromQL, at character 6: unexpected end of input"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := answering(t, c.answers).Verify(t.Context(), c.expr, c.since); got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestVerifyWithoutPrometheus(t *testing.T) {
	c, err := New(Options{URL: "http://127.0.0.1:1", Timeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Verify(t.Context(), "up == 1", time.Minute); got.Believed || got.True || got.Says == "" {
		t.Errorf("got %+v", got)
	}
}
