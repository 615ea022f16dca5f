package promql_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/promql"
)

// serving answers every query with a result, and notes the last one's form.
func serving(t *testing.T, data string) *promql.Client {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"status":"success","data":` + data + `}`))
	}))
	t.Cleanup(srv.Close)
	c, err := promql.New(promql.Options{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNow(t *testing.T) {
	c := serving(t, `{"resultType":"vector","result":[{"metric":{"cluster":"demo"},"value":[1700000000,"2"]},{"metric":{"cluster":"none"},"value":[1700000000,"NaN"]}]}`)
	all, err := c.Now(t.Context(), "x")
	if err != nil || len(all) != 1 || all[0].Labels["cluster"] != "demo" || all[0].Values[0].Value != 2 || all[0].Values[0].At.Unix() != 1700000000 {
		t.Errorf("got %+v, %v: what is no number is no value", all, err)
	}
	if _, err := serving(t, `{"resultType":"scalar","result":[1700000000,"2"]}`).Now(t.Context(), "2"); err == nil || !strings.Contains(err.Error(), "no vector") {
		t.Errorf("a scalar: %v", err)
	}
}

func TestRange(t *testing.T) {
	c := serving(t, `{"resultType":"matrix","result":[{"metric":{"outcome":"repaired"},"values":[[1700000000,"1.5"],[1700000060,"NaN"],[1700000120,"0"]]}]}`)
	to := time.Unix(1700000120, 0)
	all, err := c.Range(t.Context(), "x", to.Add(-2*time.Minute), to, time.Minute)
	if err != nil || len(all) != 1 || all[0].Labels["outcome"] != "repaired" || len(all[0].Values) != 2 || all[0].Values[0].Value != 1.5 || !all[0].Values[1].At.Equal(to) {
		t.Errorf("got %+v, %v", all, err)
	}
	if _, err := serving(t, `{"resultType":"vector","result":[]}`).Range(t.Context(), "x", to, to, time.Minute); err == nil {
		t.Error("an answer of another kind is taken")
	}
}
