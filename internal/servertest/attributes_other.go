//go:build unix && !linux

package servertest

import "syscall"

// attributes put a process into a group of its own.
func attributes(as *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: as}
}
