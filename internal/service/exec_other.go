//go:build !linux

package service

import "syscall"

func dieWithParent(*syscall.SysProcAttr) {}

// awaitExit cannot wait without reaping here: what the command leaves behind in
// its group stays.
func awaitExit(int) bool { return false }
