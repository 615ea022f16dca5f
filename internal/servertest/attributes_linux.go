package servertest

import "syscall"

// attributes put a process into a group of its own, since a Ctrl-C at the terminal is
// for the test to handle, and end it with the thread that started it.
func attributes(as *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: as}
}
