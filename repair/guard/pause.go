package guard

import "github.com/fettle-io/fettle/repair"

// Pause refuses while repairs are paused: everywhere, for the target's cluster, or
// by the brake file, which works without the API.
func Pause() repair.Guard {
	return repair.Guard{Name: "pause", Ask: func(q repair.Question) repair.Verdict {
		if q.Brake {
			return repair.Refuse("brake", "the brake file is there (or cannot be told not to be): remove it to let repairs go on")
		}
		if by, paused := q.State.Paused(q.Target.Cluster.Name); paused {
			return repair.Refuse("paused", "paused by "+by+": `fettle unpause` lets repairs go on")
		}
		return repair.Go()
	}}
}
