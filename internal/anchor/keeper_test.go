package anchor_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/fettle-io/fettle/internal/anchor"
)

// fake is an anchor that keeps what it is sent, fails, or hangs until its context
// is done.
type fake struct {
	kind string

	mu    sync.Mutex
	got   []string
	fails bool
	hangs bool
}

func (f *fake) Kind() string   { return f.kind }
func (f *fake) String() string { return "a fake" }

func (f *fake) Send(ctx context.Context, note []byte) error {
	f.mu.Lock()
	fails, hangs := f.fails, f.hangs
	if !fails && !hangs {
		f.got = append(f.got, string(note))
	}
	f.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	if fails {
		return errors.New("no")
	}
	return nil
}

func (f *fake) set(fails bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = fails
}

func (f *fake) sent() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.got, " ")
}

func TestKeeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		newest := "1"
		sign := func(s string) { mu.Lock(); newest = s; mu.Unlock() }
		good, bad, hung := &fake{kind: "file"}, &fake{kind: "file", fails: true}, &fake{kind: "url", hangs: true}
		reg := prometheus.NewRegistry()
		var log strings.Builder
		k := anchor.NewKeeper(anchor.Options{
			Latest:  func() ([]byte, error) { mu.Lock(); defer mu.Unlock(); return []byte(newest), nil },
			Anchors: []anchor.Anchor{good, bad, hung}, Every: time.Minute,
			Metrics: anchor.NewMetrics(reg), Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		ctx, stop := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { k.Run(ctx) })
		begin := float64(time.Now().UnixNano()) / 1e9
		want := func(metric, kind string, value float64) {
			t.Helper()
			all, err := reg.Gather()
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range all {
				for _, m := range f.GetMetric() {
					if f.GetName() == metric && m.GetLabel()[0].GetValue() == kind {
						if got := m.GetGauge().GetValue() + m.GetCounter().GetValue(); got != value {
							t.Errorf("%s of %s is %v, want %v", metric, kind, got, value)
						}
						return
					}
				}
			}
			t.Errorf("%s of %s is not there", metric, kind)
		}
		synctest.Wait()
		if good.sent() != "1" {
			t.Errorf("at the start: %q", good.sent())
		}
		want("fettle_journal_anchor_last_success_timestamp_seconds", "file", 0) // the other one has not

		// What is new within a minute is sent once; a hung anchor holds up nobody.
		for _, s := range []string{"2", "3"} {
			sign(s)
			time.Sleep(20 * time.Second)
		}
		time.Sleep(25 * time.Second)
		synctest.Wait()
		if good.sent() != "1 3" {
			t.Errorf("after a minute: %q", good.sent())
		}
		bad.set(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		if bad.sent() != "3" {
			t.Errorf("once it works: %q", bad.sent())
		}
		want("fettle_journal_anchor_failures_total", "file", 2)
		want("fettle_journal_anchor_failures_total", "url", 2)
		want("fettle_journal_anchor_last_success_timestamp_seconds", "file", begin+60)
		want("fettle_journal_anchor_last_success_timestamp_seconds", "url", 0)

		// Nothing new: once an hour.
		time.Sleep(time.Hour)
		synctest.Wait()
		if good.sent() != "1 3 3" {
			t.Errorf("after an hour: %q", good.sent())
		}

		// The end: Run ends at once, and the last one is sent.
		stop()
		done.Wait()
		sign("4")
		last, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		k.Finish(last)
		if good.sent() != "1 3 3 4" || !strings.HasSuffix(bad.sent(), " 4") {
			t.Errorf("at the end: %q, %q", good.sent(), bad.sent())
		}
		if n := strings.Count(log.String(), "level=WARN"); n != 2 {
			t.Errorf("%d warnings, want one an anchor:\n%s", n, log.String())
		}
		if n, err := testutil.GatherAndCount(reg); err != nil || n != 4 {
			t.Errorf("%d series, %v", n, err)
		}
	})
}
