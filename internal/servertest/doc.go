// Package servertest is what those packages stand on that run real servers for tests,
// such as redistest: a Process, which is frozen, killed, and started again with what it
// has on disk; a Relay between two of them, which cuts, holds and slows down what they
// say; Listen, in the place of a server; Until, for what a driver is to see in the end.
// Nothing is ended but what was started here, by its process ID.
//
// Where a test owns the server, Server fails and ends it with the test. A Process and a
// Relay know of no test, for what all tests of a package share.
package servertest
