package service

import "golang.org/x/sys/unix"

// lockKey is how /proc/locks names a file.
func lockKey(name string) (string, bool) {
	var st unix.Stat_t
	if err := unix.Stat(name, &st); err != nil {
		return "", false
	}
	return deviceKey(unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino), true
}
