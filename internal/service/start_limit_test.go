package service

import (
	"math"
	"testing"
	"time"
)

func TestStartLimit(t *testing.T) {
	for _, tc := range []struct {
		kind    string
		timeout uint64
		want    time.Duration
	}{
		{"notify", 90_000_000, 90 * time.Second},
		{"notify-reload", 1_000_000, time.Second},
		{"notify", math.MaxUint64, 0},
		{"simple", 90_000_000, 0},
		{"", 0, 0}, // no such unit
	} {
		got := startLimit(map[string]any{"Type": tc.kind, "TimeoutStartUSec": tc.timeout})
		if got != tc.want {
			t.Errorf("Type=%s, %d µs: %s, want %s", tc.kind, tc.timeout, got, tc.want)
		}
	}
}
