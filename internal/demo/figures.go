package demo

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Figure is what one repair took, in seconds.
type Figure struct {
	Detect     float64 `json:"detect"`               // fault to received
	Repair     float64 `json:"repair"`               // received to verified
	Verified   float64 `json:"verified"`             // fault to verified
	Own        float64 `json:"own_share"`            // fettle's own: the sum of the next two
	ToApply    float64 `json:"received_to_apply"`    // received to the intent's record, which Apply follows
	ToVerified float64 `json:"readable_to_verified"` // the probe's first read to verified
}

// limits are what the figures of a kill are held against, in seconds.
type limits struct {
	verified, median, own float64
}

func limitsAt(interval time.Duration) limits {
	return limits{verified: 10, median: (2*interval + 2*time.Second).Seconds(), own: 0.3}
}

// spread is min, median and max of one figure.
type spread struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// spreadOf is the spread of values, of which there is at least one. The median of an
// even number is the mean of the two in the middle.
func spreadOf(values []float64) spread {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return spread{Min: v[0], Median: (v[(n-1)/2] + v[n/2]) / 2, Max: v[n-1]}
}

// Summary is the spreads over all cycles.
type Summary struct {
	Cycles   int    `json:"cycles"`
	Detect   spread `json:"detect"`
	Repair   spread `json:"repair"`
	Verified spread `json:"verified"`
	Own      spread `json:"own_share"`
}

func summarize(figures []Figure) Summary {
	of := func(pick func(Figure) float64) spread {
		values := make([]float64, len(figures))
		for i, f := range figures {
			values[i] = pick(f)
		}
		return spreadOf(values)
	}
	return Summary{
		Cycles:   len(figures),
		Detect:   of(func(f Figure) float64 { return f.Detect }),
		Repair:   of(func(f Figure) float64 { return f.Repair }),
		Verified: of(func(f Figure) float64 { return f.Verified }),
		Own:      of(func(f Figure) float64 { return f.Own }),
	}
}

// table is the summary for people. Limits are shown for kills: a hang has to be
// listened to for 6 s before anything may be done (ENGINE.md rule 14).
func (s Summary) table(kind FaultKind, l limits) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	fmt.Fprintf(w, "%d cycles, seconds\tmin\tmedian\tmax\t\n", s.Cycles)
	row := func(name string, s spread, held ...string) {
		fmt.Fprintf(w, "%s\t%.3f\t%.3f\t%.3f\t%s\n", name, s.Min, s.Median, s.Max, strings.Join(held, ", "))
	}
	row("detect", s.Detect)
	row("repair", s.Repair)
	if kind == Hang {
		row("hang to verified", s.Verified)
		row("own share", s.Own)
	} else {
		row("kill to verified", s.Verified, held("max", s.Verified.Max, l.verified), held("median", s.Verified.Median, l.median))
		row("own share", s.Own, held("max", s.Own.Max, l.own))
	}
	_ = w.Flush() // a strings.Builder takes everything
	lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// missed lists the limits that were not held; there are none for a hang.
func (s Summary) missed(kind FaultKind, l limits) []string {
	if kind == Hang {
		return nil
	}
	var out []string
	for _, h := range []string{
		held("kill to verified: max", s.Verified.Max, l.verified),
		held("kill to verified: median", s.Verified.Median, l.median),
		held("own share: max", s.Own.Max, l.own),
	} {
		if strings.Contains(h, "OVER") {
			out = append(out, h)
		}
	}
	return out
}

// held says whether a limit, in seconds, was held.
func held(what string, got, limit float64) string {
	if got > limit {
		return fmt.Sprintf("%s OVER the limit of %g s", what, limit)
	}
	return fmt.Sprintf("%s within %g s", what, limit)
}

// lines are the figures of one repair for people, below its timeline.
func (f Figure) lines(kind FaultKind, l limits) []string {
	if kind == Hang {
		return []string{
			fmt.Sprintf("hang to verified %.1f s", f.Verified),
			fmt.Sprintf("fettle's own share %.3f s, of which it listens for 6 s before it calls a member hung: received to apply %.3f s, first read to verified %.3f s", f.Own, f.ToApply, f.ToVerified),
		}
	}
	return []string{
		fmt.Sprintf("kill to verified %.3f s (%s)", f.Verified, held("max", f.Verified, l.verified)),
		fmt.Sprintf("fettle's own share %.3f s (%s): received to apply %.3f s, first read to verified %.3f s", f.Own, held("max", f.Own, l.own), f.ToApply, f.ToVerified),
	}
}
