package tree

// Difference is what a copy lacks of its source. What is nil cannot be told.
type Difference struct {
	// Same tells that names and sizes are equal, and, where it was Sampled, what the
	// sample holds.
	Same, Sampled bool
	// Seconds is by how much the source's newest change is newer, Files and Bytes how
	// many at rest the source has more. Of a copy that is not the same, nothing is 0.
	Seconds, Files, Bytes *float64
}

// Compare holds the newest walks of a copy and of its source against each other that have
// the same cutoff; false: there are none. Where the sample of one of them is not whole,
// that of the walks before counts.
func Compare(source, replica []Result) (Difference, bool) {
	both := pairs(source, replica)
	if len(both) == 0 {
		return Difference{}, false
	}
	s, r := both[0][0], both[0][1]
	d := Difference{Same: s.Whole() && r.Whole() && s.Names == r.Names}
	for _, p := range both {
		if p[0].Sampled() && p[1].Sampled() {
			d.Sampled = true
			d.Same = d.Same && p[0].Sample == p[1].Sample && p[0].SampleFiles == p[1].SampleFiles
			break
		}
	}
	if s.Whole() && r.Whole() { // of a part nothing is counted
		d.Seconds = d.lag(s.Newest.Sub(r.Newest).Seconds(), s.Newest.IsZero() == r.Newest.IsZero())
		d.Files = d.lag(float64(s.SettledFiles-r.SettledFiles), true)
		d.Bytes = d.lag(float64(s.SettledBytes-r.SettledBytes), true)
	}
	return d, true
}

// pairs are the walks with the same cutoff, the newest first.
func pairs(source, replica []Result) [][2]Result {
	var both [][2]Result
	for i := len(source) - 1; i >= 0; i-- {
		for j := len(replica) - 1; j >= 0; j-- {
			if source[i].Cutoff.Equal(replica[j].Cutoff) {
				both = append(both, [2]Result{source[i], replica[j]})
			}
		}
	}
	return both
}

// lag is n where it says something: a copy that is not the same is behind by no 0.
func (d Difference) lag(n float64, known bool) *float64 {
	if !known || n <= 0 && !d.Same {
		return nil
	}
	n = max(n, 0)
	return &n
}
