package value

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

const (
	// maxSockets bounds what is read of the kernel's list of connections, in bytes.
	maxSockets = 64 << 20
	listening  = "0A" // TCP_LISTEN, in hexadecimal
)

// Listens tells whether somebody listens on a TCP port, by the kernel's lists at paths
// (/proc/net/tcp and tcp6). One that is not there, as without IPv6, has nobody; one of
// them has to be.
func Listens(port int, paths ...string) (bool, error) {
	read := 0
	for _, path := range paths {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return false, err
		}
		read++
		found, err := listens(port, f)
		_ = f.Close() //nolint:errcheck // only read
		if err != nil {
			return false, fmt.Errorf("read %s: %w", path, err)
		}
		if found {
			return true, nil
		}
	}
	if read == 0 {
		return false, Refuse(Absent, "there is no list of connections: %s", strings.Join(paths, ", "))
	}
	return false, nil
}

// listens looks through one list. Those who listen stand first in it.
func listens(port int, r io.Reader) (bool, error) {
	limited := &io.LimitedReader{R: r, N: maxSockets}
	lines := bufio.NewScanner(limited)
	heading := false
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) > 1 && fields[1] == "local_address" {
			heading = true
			continue
		}
		if len(fields) < 4 {
			return false, errors.New("a line without an address and a state")
		}
		i := strings.LastIndexByte(fields[1], ':')
		n, err := strconv.ParseUint(fields[1][i+1:], 16, 16)
		if i < 0 || err != nil {
			return false, errors.New("a line without a port")
		}
		if fields[3] == listening && int(n) == port {
			return true, nil
		}
	}
	switch {
	case lines.Err() != nil:
		return false, lines.Err()
	case !heading:
		return false, errors.New("no list of connections")
	case limited.N == 0:
		return false, Refuse(TooLarge, "the list of connections has more than %d bytes", maxSockets)
	}
	return false, nil
}
