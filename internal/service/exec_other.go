//go:build !linux

package service

import "syscall"

func dieWithParent(*syscall.SysProcAttr) {}

func keepPowers() error { return nil }

// awaitExit cannot wait without reaping here: what the command leaves behind in
// its group stays.
func awaitExit(int) bool { return false }
