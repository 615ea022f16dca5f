package console

import (
	"math"

	"github.com/fettle-io/fettle/internal/story"
)

// split is a bar of where the time went.
type split struct {
	Width, Height int
	Parts         []box
	Stages        []story.Stage
	Total         float64
	Deadline      float64
	Verified      float64
}

// newSplit draws the stages of a story in which something was begun; else nil.
func newSplit(s story.Story) *split {
	out := &split{Width: drawWidth, Height: 28, Stages: s.Stages, Deadline: s.Deadline, Verified: s.Verified}
	begun := false
	for _, st := range s.Stages {
		out.Total += st.Seconds
		begun = begun || st.Name == "act" || st.Name == "verify" || st.Name == "act and verify"
	}
	if !begun || out.Total <= 0 {
		return nil
	}
	x := 0.0
	for _, st := range s.Stages {
		width := st.Seconds / out.Total * drawWidth
		out.Parts = append(out.Parts, box{
			X: int(x), Width: max(2, int(math.Round(width))), Height: 28, Class: stageClass(st.Name), Says: st.Name + " " + inSeconds(st.Seconds),
		})
		x += width
	}
	return out
}

// stageClass is what a stage is drawn as.
func stageClass(name string) string {
	if name == "act and verify" {
		name = "act"
	}
	return "stage-" + name
}
