// Package value reads one value of a machine's configuration (a file, a key in it, a
// listening port) and says whether it is as declared. Nothing of what it reads is in an
// error: a file may hold a secret.
//
// file.go reads, within limits; key.go finds one setting in a text; port.go finds who
// listens; want.go compares, and digest.go makes the number that machines are compared by.
package value

import (
	"errors"
	"fmt"
	"io/fs"
)

// Reason is why a value could not be read: a label's value.
type Reason string

const (
	// Absent is a file, or a key in it, that is not there.
	Absent Reason = "absent"
	// Permission is a file that may not be read.
	Permission Reason = "permission"
	// NoFile is a directory, a pipe, a device or a socket.
	NoFile Reason = "no_file"
	// Outside is a symbolic link that leads out of the file's directory.
	Outside Reason = "outside"
	// TooLarge is a file beyond [MaxFile].
	TooLarge Reason = "too_large"
	// Stale is a file that was not written for longer than declared.
	Stale Reason = "stale"
	// Ambiguous is a key that has several values.
	Ambiguous Reason = "ambiguous"
	// NoNumber is a value without a size, where one is compared.
	NoNumber Reason = "no_number"
	// Secret is a file that not everybody may read, whose digest needs a key.
	Secret Reason = "secret"
	// Late is a file system that does not answer.
	Late Reason = "late"
	// Unreachable is a member that could not be asked.
	Unreachable Reason = "unreachable"
	// Other is everything else.
	Other Reason = "other"
)

// Error is why a value could not be read, with a sentence for people.
type Error struct {
	Reason Reason
	Says   string
}

// Error is the sentence.
func (e *Error) Error() string { return e.Says }

// Refuse makes an Error.
func Refuse(reason Reason, format string, args ...any) error {
	return &Error{reason, fmt.Sprintf(format, args...)}
}

// ReasonOf is the bounded word for an error of this package, or of the system.
func ReasonOf(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Absent
	case errors.Is(err, fs.ErrPermission):
		return Permission
	}
	return Other
}
