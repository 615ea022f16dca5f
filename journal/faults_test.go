//go:build faults

package journal_test

import (
	"fmt"
	"testing"

	"github.com/fettle-io/fettle/internal/scorecard"
)

// TestAllPowerCuts is TestPowerCut in full: more than 10,000 states.
func TestAllPowerCuts(t *testing.T) {
	states := 0
	for seed := uint64(2); states < 10_000; seed++ {
		states += crashes(t, 16, seed)
	}
	scorecard.Row(t, 4, fmt.Sprintf("%d states after a power cut or a kill, at each step of everything that a journal does: every acknowledged record there, 0 refused", states))
}

// TestAllMangled is TestMangled in full.
func TestAllMangled(t *testing.T) { mangles(t, 10_000, 2) }
