// Package scorecard keeps what fettle's fault tests measured: a table of what a
// receiver of alerts that repairs things has to withstand, and the figure that each
// test last measured, checked in under figures/.
//
// A test calls Row with the row that it covers. The package's own test renders
// docs/scorecard.md from the table and the figures (go test ./internal/scorecard
// -update) and holds that it is what they say.
package scorecard

// Entry is one row of the scorecard.
type Entry struct {
	// Number is the row's, from 1.
	Number int
	// Test says what is done to fettle, Load how much of it, Keeps what must hold.
	Test, Load, Keeps string
	// Command measures it.
	Command string
	// Later says why no test covers the row yet; empty: one must.
	Later string
}

// Table is the scorecard without its figures, in order.
func Table() []Entry {
	const faults, tests = "make faults", "make test"
	return []Entry{
		{Number: 1, Test: "kill -9 at any moment, while alerts arrive and repairs run", Load: "1,000 kills",
			Keeps: "no acknowledged alert lost, nothing started twice, ready again within 1 s", Command: faults},
		{Number: 2, Test: "killed at every boundary of the step loop", Load: "every failpoint, 50 times",
			Keeps: "each run's outcome is known, or says unknown", Command: faults},
		{Number: 3, Test: "every system call that the journal makes fails or kills", Load: "each call × EIO, ENOSPC, SIGKILL",
			Keeps: "the journal verifies, or is refused with the reason; what was acknowledged is in it", Command: faults},
		{Number: 4, Test: "power loss", Load: "every torn length, 10,000 states of what was not synced",
			Keeps: "what was acknowledged is intact", Command: tests},
		{Number: 5, Test: "flipped, cut and swapped bytes", Load: "10,000",
			Keeps: "all refused, nothing deleted", Command: tests},
		{Number: 6, Test: "a disk that is really full", Load: "100 cycles",
			Keeps: "503, no step starts, goes on when there is room", Command: faults},
		{Number: 7, Test: "fsync answers EIO", Load: "each fsync of a run",
			Keeps: "fettle stops acting and says so; the fsync is not tried again", Command: faults},
		{Number: 8, Test: "messages twice, reordered, replayed", Load: "100,000 posts of 1,000 alerts, from three senders",
			Keeps: "at most one mutating run for each fault", Command: tests},
		{Number: 9, Test: "a real Alertmanager pair and a fettle that refuses, is slow, restarts", Load: "1,000 refusals",
			Keeps: "everything is delivered again, one mutating run for each fault", Command: "make test-servers"},
		{Number: 10, Test: "a storm of alerts", Load: "100,000 alerts in one message, in 1,000, in 100,000",
			Keeps: "less than 256 MiB; p99 of an acknowledgement of the 1,000 below 1 s", Command: "make bench-webhook"},
		{Number: 11, Test: "slow-loris", Load: "2,000 connections",
			Keeps: "a real message is answered within 1 s, the slow ones are closed", Command: tests},
		{Number: 12, Test: "fuzzing of messages, configurations, playbooks and journals", Load: "ten minutes each",
			Keeps: "no crash", Command: "make fuzz"},
		{Number: 13, Test: "leaks", Load: "10,000 runs",
			Keeps: "goroutines and descriptors as before", Command: faults},
		{Number: 14, Test: "clocks that jump", Load: "± 1 h, ± 1 d, backwards",
			Keeps: "no run twice, none skipped", Command: "make simulate"},
		{Number: 15, Test: "the whole engine, simulated by seed", Load: "500 seeds in make test, more by hand",
			Keeps: "every invariant holds, a seed replays exactly", Command: "make simulate"},
		{Number: 16, Test: "replicas and a partition", Load: "500", Keeps: "at most one executor for each target",
			Later: "one fettle serve owns a cluster today; the row comes with replicas"},
		{Number: 17, Test: "each step fails, takes too long, is cancelled", Load: "every step × 4",
			Keeps: "no orphaned process, all of it in the journal", Command: faults},
		{Number: 18, Test: "attacks on the journal, taking it back among them", Load: "12 kinds",
			Keeps: "all found with an anchor", Command: tests},
		{Number: 19, Test: "the classes of vulnerabilities that others had", Load: "one test each",
			Keeps: "all pass", Command: tests},
		{Number: 20, Test: "soak", Load: "20 minutes",
			Keeps: "resident memory grows by less than 1 MiB an hour", Command: "make soak"},
	}
}
