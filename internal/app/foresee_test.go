package app

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fettle-io/fettle/api"
)

// Whoever may read may ask for plans: no more than a few of them look at a time.
func TestPlansAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &App{plans: make(chan struct{}, maxPlans)}
		for range maxPlans {
			a.plans <- struct{}{}
		}
		begun := time.Now()
		_, err := backend{a}.Foresee(t.Context(), api.PlanRequest{Labels: map[string]string{"alertname": "A"}})
		var e *api.Error
		if !errors.As(err, &e) || e.Status != http.StatusServiceUnavailable || time.Since(begun) != planPatience {
			t.Errorf("after %s: %v", time.Since(begun), err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := (backend{a}).Foresee(ctx, api.PlanRequest{Labels: map[string]string{"alertname": "A"}}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
