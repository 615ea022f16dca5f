// Package amtest stands real Alertmanagers in front of the real `fettle serve`: a
// pair that gossips, a gate between them that delays and refuses, and faults that
// are counted. It has tests only, under the build tag servers: what Alertmanager
// does is shown, not assumed. docs/alertmanager.md tells what was seen.
//
// A ward (ward_test.go) is a pair (pair_test.go), the gate (gate_test.go), one
// fettle (serve_test.go) and the services that it repairs (services_test.go).
package amtest
