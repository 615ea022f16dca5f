package service

import (
	"os"

	"golang.org/x/sys/unix"
)

// scratch is a file that only who holds it can reach. It is memory of the command
// that writes to it, and so is bounded by what that may use.
func scratch(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}
