// Package faults breaks the real program: tests that kill `fettle serve` at moments
// that nobody chose, fail its system calls, fill its disk and flip its bits, while
// alerts arrive and repairs run, and then hold that nothing acknowledged was lost
// and nothing was done twice.
//
// It has tests only. A fleet is what fettle repairs: services that are only noted
// down, by a supervisor that counts each restart (fleet_test.go). A server is one
// fettle serve with a journal of its own (serve_test.go); the audit reads that
// journal and holds it against what was acknowledged and what was restarted
// (audit_test.go). make test runs a slice of each; make faults, with the build tag
// faults, the full numbers (size_test.go) and what needs strace or root.
package faults
