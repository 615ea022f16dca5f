package redis

import "github.com/fettle-io/fettle/cluster"

// Refusal is why a primary takes no writes: the bounded words of Member.Refuses.
type Refusal string

const (
	// RefusesLoading is a server that still reads its data.
	RefusesLoading Refusal = "loading"
	// RefusesAppendOnly is an append-only file that could not be written (MISCONF).
	RefusesAppendOnly Refusal = "append_only_file"
	// RefusesSnapshot is a snapshot that failed, with stop-writes-on-bgsave-error (MISCONF).
	RefusesSnapshot Refusal = "snapshot"
	// RefusesReplicas is fewer near replicas than min-replicas-to-write (NOREPLICAS).
	RefusesReplicas Refusal = "replicas"
	// RefusesMemory is maxmemory that is reached, with nothing to be evicted (OOM).
	RefusesMemory Refusal = "memory"
	// RefusesPaused is CLIENT PAUSE, or a failover that was ordered: writes wait.
	RefusesPaused Refusal = "paused"
)

// Refusals are all of them, in the order in which they are shown.
func Refusals() []Refusal {
	return []Refusal{RefusesLoading, RefusesAppendOnly, RefusesSnapshot, RefusesReplicas, RefusesMemory, RefusesPaused}
}

// Writes is what a server says of the limits at which it refuses writes.
type Writes struct {
	// Wanted is min-replicas-to-write, Stops is stop-writes-on-bgsave-error; nil: not asked,
	// or not allowed to ask.
	Wanted *float64
	Stops  *bool
	// Full tells that maxmemory is reached and the policy is noeviction.
	Full bool
	// Paused tells that writes wait; servers before Redis 8 tell it of a failover alone.
	Paused bool
}

// Refuses tells whether a primary refuses writes for one reason; nil: it is not to be
// told, since it depends on a setting that was not asked.
func (m *Member) Refuses(r Refusal) *bool {
	switch r {
	case RefusesLoading:
		return new(m.Loading)
	case RefusesAppendOnly:
		return new(m.Disk.AppendOnly && !m.Disk.AppendOK)
	case RefusesSnapshot:
		switch {
		case m.Disk.SaveOK:
			return new(false)
		case m.Snapshots != nil && m.Writes.Stops != nil:
			return new(*m.Snapshots && *m.Writes.Stops)
		}
		return nil
	case RefusesReplicas:
		switch {
		case m.GoodReplicas == nil:
			return new(false)
		case *m.GoodReplicas == 0:
			return new(true)
		case m.Writes.Wanted != nil:
			return new(*m.GoodReplicas < *m.Writes.Wanted)
		}
		return nil
	case RefusesMemory:
		return new(m.Writes.Full)
	case RefusesPaused:
		return new(m.Writes.Paused)
	}
	return nil
}

// takesWrites tells of a primary that nothing keeps it from taking writes. A snapshot
// that failed does, unless the configuration was asked and says otherwise: that is how
// Redis comes. A replica that is near is one more than none, and mostly enough.
func (m *Member) takesWrites() bool {
	if m.Role != cluster.Primary {
		return false
	}
	for _, r := range Refusals() {
		if refused := m.Refuses(r); refused == nil && r == RefusesSnapshot || refused != nil && *refused {
			return false
		}
	}
	return true
}

// writesOf reads the limits from INFO. What is not counted for eviction (the buffers of
// replicas and of the append-only file) does not count for the limit either.
func writesOf(f info) Writes {
	limit := f.count("maxmemory")
	return Writes{
		Full: limit > 0 && f["maxmemory_policy"] == "noeviction" && f.count("used_memory")-f.count("mem_not_counted_for_evict") > limit,
		Paused: f["master_failover_state"] != "" && f["master_failover_state"] != "no-failover" ||
			f["paused_actions"] == "write" || f["paused_actions"] == "all",
	}
}
