package exporter

import (
	"fmt"

	"golang.org/x/sys/windows"
)

// statfs asks about a volume by the path that it is mounted at, such as C:. Files are
// not counted there.
func statfs(path string) (space, error) {
	// A drive's name alone is its current directory.
	name, err := windows.UTF16PtrFromString(path + `\`)
	if err != nil {
		return space{}, err
	}
	var avail, size, free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &avail, &size, &free); err != nil {
		return space{}, fmt.Errorf("ask about volume %s: %w", path, err)
	}
	var flags uint32
	if err := windows.GetVolumeInformation(name, nil, 0, nil, nil, &flags, nil, 0); err != nil {
		return space{}, fmt.Errorf("ask about volume %s: %w", path, err)
	}
	return space{
		size: float64(size), avail: float64(avail), free: float64(free),
		readonly: flags&windows.FILE_READ_ONLY_VOLUME != 0,
	}, nil
}
