//go:build faults

package faults

// How much is done in make faults.
const (
	kills   = 1000
	passes  = 50
	flips   = 1000
	runs    = 10_000
	crowd   = 300
	attacks = 100
)
