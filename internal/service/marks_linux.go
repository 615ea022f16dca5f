package service

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// killMarked sends SIGKILL to every process that has a command's mark in its
// environment, and returns how many there were. ok is false where nobody can tell.
func killMarked(name string) (left int, ok bool) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, false
	}
	mark := []byte(markName + "=" + name)
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		// That of another user's process is not ours to read, and so none of ours.
		env, err := os.ReadFile("/proc/" + e.Name() + "/environ")
		if err != nil {
			continue
		}
		for v := range bytes.SplitSeq(env, []byte{0}) {
			if bytes.Equal(v, mark) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				left++
				break
			}
		}
	}
	return left, true
}
