// Package replay runs the alerts of a journal against another configuration, dry: the
// real engine decides again, at the recorded times, and nothing is ever looked at or
// done. What it would see of the world is what the journal says was seen, and what a
// guard said that asks the world is what it said then; only those that ask the
// configuration and the engine's own state are asked anew. Where something would be
// wanted that was not recorded, that is where the story of an episode ends, and it says
// what is missing: nothing is guessed.
//
// Start at [Run].
package replay
