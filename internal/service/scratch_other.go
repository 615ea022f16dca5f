//go:build !linux

package service

import (
	"errors"
	"os"
)

// scratch is for hosts with systemd.
func scratch(string) (*os.File, error) { return nil, errors.ErrUnsupported }
