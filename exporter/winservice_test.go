package exporter

import "testing"

func TestWindowsServices(t *testing.T) {
	for name, tc := range map[string]struct {
		state, exit uint32
		active, sub string
	}{
		"runs":                {4, 0, "active", "running"},
		"runs, after a crash": {4, 1067, "active", "running"},
		"is started":          {2, 0, "activating", "start-pending"},
		"is continued":        {5, 0, "activating", "continue-pending"},
		"is stopped now":      {3, 0, "deactivating", "stop-pending"},
		"is paused now":       {6, 0, "deactivating", "pause-pending"},
		"is paused":           {7, 0, "inactive", "paused"},
		"was stopped":         {1, 0, "inactive", "stopped"},
		"was never started":   {1, 1077, "inactive", "stopped"},
		"crashed":             {1, 1067, "failed", "stopped"},
		"says that it failed": {1, 1066, "failed", "stopped"},
		"a newer state":       {99, 0, "unknown", "other"},
	} {
		u := windowsService{name: "Spooler", state: tc.state, exit: tc.exit}.unit()
		if u.Name != "Spooler.service" || u.Path != "Spooler" || u.Load != "loaded" || u.Active != tc.active || u.Sub != tc.sub {
			t.Errorf("%s: %+v, want %s and %s", name, u, tc.active, tc.sub)
		}
		if word(u.Sub) != u.Sub {
			t.Errorf("%s: %q is no word for a label", name, u.Sub)
		}
	}
}

// Names that cannot be labels are counted, and the others told as units are.
func TestWindowsServicesAreChosen(t *testing.T) {
	units := windowsUnits([]windowsService{
		{name: "W32Time", state: 4}, {name: "Spooler", state: 4}, {name: "Some Vendor's Agent", state: 4},
	})
	chosen, leftOut := Units{}.choice().of(units)
	if len(chosen) != 2 || chosen[0].Name != "Spooler.service" || chosen[1].Name != "W32Time.service" || leftOut != 1 {
		t.Errorf("chosen %+v, left out %d", chosen, leftOut)
	}
}

func TestWindowsStart(t *testing.T) {
	for want, tc := range map[string]struct {
		start   uint32
		delayed bool
	}{
		"boot": {0, false}, "system": {1, false}, "automatic": {2, false}, "automatic-delayed": {2, true},
		"manual": {3, false}, "disabled": {4, true}, "other": {5, false},
	} {
		if got := windowsStart(tc.start, tc.delayed); got != want || word(got) != got {
			t.Errorf("%d, %v: %s, want %s", tc.start, tc.delayed, got, want)
		}
	}
}
