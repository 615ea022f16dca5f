//go:build !faults

package faults

// How much is done in make test; make faults does what the scorecard asks for.
const (
	kills   = 100
	passes  = 2
	flips   = 100
	runs    = 100
	crowd   = 60
	attacks = 20
)
