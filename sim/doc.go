// Package sim is the deterministic simulation of the engine: message to outcome,
// with simulated time, hosts, service managers, a quorum, Prometheus, Alertmanagers,
// people, and faults in all of them.
//
// The engine, its guards, its playbooks and what an action calls done are the real
// ones. Around them is a world in which nothing happens by itself: all of it is
// drawn from one seed, on one goroutine, and so a seed that fails replays exactly.
// [Kit.Run] plays one seed and says which invariant was broken, if any; the
// invariants are the functions in invariants_*.go, each with the rule that it is
// from. A world is played in two parts: faults, and a calm, in which nothing more
// is broken and everything has to come into order by itself.
//
// Start with world.go, then fettle.go, which is the sequencer's part; faults.go has
// what can go wrong. docs/simulation.md says how to run it and how to read a story.
package sim
