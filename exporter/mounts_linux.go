package exporter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/fettle-io/fettle/exporter/procfs"
)

// mountSource is the list of mounts, which is taken apart only when it changed.
type mountSource struct {
	file *procfs.File
	text []byte // as it was last taken apart
}

// newMountSource takes the mounts of process 1, the machine's, or the exporter's own
// where those may not be read.
func newMountSource(h Host) mountSource { return mountSource{file: procfs.New(h.proc("1/mountinfo"))} }

// read tells whether the mounts changed since the last call and, if so, lists them.
func (s *mountSource) read(_ context.Context, h Host) (mounts []mount, changed bool, err error) {
	text, err := s.file.Read()
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) { // hidepid=1, hidepid=2
		s.file = procfs.New(h.proc("self/mountinfo"))
		text, err = s.file.Read()
	}
	if err != nil {
		return nil, false, err
	}
	if bytes.Equal(text, s.text) {
		return nil, false, nil
	}
	for rest := text; len(rest) > 0; {
		var line []byte
		line, rest = procfs.Line(rest)
		m, ok := parseMount(line)
		if !ok {
			return nil, false, fmt.Errorf("%s: want a mount, got %q", s.file.Path(), line)
		}
		mounts = append(mounts, m)
	}
	s.text = append(s.text[:0], text...)
	return mounts, true, nil
}

// parseMount reads a line of mountinfo: id, parent, device number, root, mount
// point, options, any number of optional fields, a dash, type, source, options.
func parseMount(line []byte) (mount, bool) {
	before, after, ok := bytes.Cut(line, []byte(" - "))
	if !ok {
		return mount{}, false
	}
	fields := bytes.Split(before, []byte(" "))
	kind, rest, typed := bytes.Cut(after, []byte(" "))
	source, _, _ := bytes.Cut(rest, []byte(" "))
	if len(fields) < 6 || !typed || len(fields[4]) == 0 || len(kind) == 0 {
		return mount{}, false
	}
	return mount{device: unescape(source), fstype: unescape(kind), place: place{unescape(fields[4]), string(fields[2])}}, true
}

// unescape undoes the kernel's octal escapes of blank, tab, newline and backslash.
func unescape(field []byte) string {
	text := make([]byte, 0, len(field))
	for i := 0; i < len(field); i++ {
		if field[i] == '\\' && i+3 < len(field) && octal(field[i+1]) && octal(field[i+2]) && octal(field[i+3]) {
			text = append(text, (field[i+1]-'0')<<6|(field[i+2]-'0')<<3|(field[i+3]-'0'))
			i += 3
			continue
		}
		text = append(text, field[i])
	}
	return string(text)
}

func octal(b byte) bool { return b >= '0' && b <= '7' }
