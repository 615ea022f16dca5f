//go:build !failpoints

package repair

// failpoint is where a test may kill the process; in the shipped program it is nothing.
func failpoint(point, of string) {}
