package console

import (
	"slices"
	"time"

	"github.com/fettle-io/fettle/api"
)

// Drawings are made of whole numbers in a box of their own, which the page scales.
const (
	drawWidth  = 1000
	laneHeight = 22
	laneMost   = 12  // targets on a timeline
	marksMost  = 400 // runs on it
	leastWidth = 4   // of a run, so that it is seen
)

// timeline shows when runs were, a lane for each target.
type timeline struct {
	Width, Height int
	Lanes         []lane
	Ticks         []tick
	From, To      time.Time
	Left          int // runs that are not drawn
}

type lane struct {
	Target    string
	Y, Middle int
	Height    int
	Marks     []mark
}

// mark is one run.
type mark struct {
	X, Y, Width, Height int
	Run, Outcome, Says  string
}

type tick struct {
	X     int
	Label string
}

// newTimeline draws the newest runs, of a day at most; nil: there are none.
func newTimeline(runs []api.Run, now time.Time) *timeline {
	t := &timeline{Width: drawWidth, To: now, From: now}
	var drawn []api.Run
	targets := []string{}
	for _, r := range runs { // the newest first
		known := slices.Contains(targets, target(r))
		if now.Sub(r.Opened) > 24*time.Hour || len(drawn) == marksMost || !known && len(targets) == laneMost {
			t.Left++
			continue
		}
		if !known {
			targets = append(targets, target(r))
		}
		drawn = append(drawn, r)
		if r.Opened.Before(t.From) {
			t.From = r.Opened
		}
	}
	if len(drawn) == 0 {
		return nil
	}
	span := max(t.To.Sub(t.From), time.Minute)
	t.From = t.To.Add(-span)
	x := func(at time.Time) int {
		return int(min(1, max(0, at.Sub(t.From).Seconds()/span.Seconds())) * drawWidth)
	}
	slices.Sort(targets)
	t.Height = laneHeight*len(targets) + 20
	for i, name := range targets {
		l := lane{Target: name, Y: i * laneHeight, Height: laneHeight, Middle: i*laneHeight + 15}
		for _, r := range drawn {
			if target(r) != name {
				continue
			}
			ended := r.Ended
			if ended.IsZero() {
				ended = now
			}
			from, to := x(r.Opened), x(ended)
			width := max(leastWidth, to-from)
			l.Marks = append(l.Marks, mark{
				X: min(from, drawWidth-width), Y: l.Y + 4, Width: width, Height: laneHeight - 8,
				Run: r.ID, Outcome: outcomeOf(r), Says: r.Playbook + " " + outcomeOf(r) + ", " + when(r.Opened),
			})
		}
		t.Lanes = append(t.Lanes, l)
	}
	for i := range 5 {
		at := t.From.Add(span * time.Duration(i) / 5)
		t.Ticks = append(t.Ticks, tick{X: i * drawWidth / 5, Label: clockOf(at, span)})
	}
	return t
}

func clockOf(at time.Time, span time.Duration) string {
	if span < time.Hour {
		return at.UTC().Format("15:04:05Z")
	}
	return at.UTC().Format("15:04Z")
}

func target(r api.Run) string {
	if r.Target == "" {
		return "no target"
	}
	return r.Target
}

func outcomeOf(r api.Run) string {
	if r.Outcome == "" {
		return "running"
	}
	return r.Outcome
}
