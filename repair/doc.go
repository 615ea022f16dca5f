// Package repair is the engine: from a message to episodes, runs, steps and their
// outcomes, by the rules of docs/engine.md.
//
// Engine is a state machine: Step takes an Event (a message, an observation, an
// operator's word, an executor's answer), Ready gives the records to write and the
// Effects to begin once they are on disk. It has no goroutine, no clock and no I/O,
// so that a simulation drives the very code that a cluster trusts. State is the
// fold over the journal: what a restart knows is what was written. The Sequencer
// drives the engine and owns the journal.
//
// Read consider in step.go first: it is the heart, and the only way to a mutation.
// Actions and guards are handed in as tables; this package knows none of them.
package repair
