//go:build !linux

package exporter

import "errors"

// readHardwareClock reads none: their devices are Linux'.
func readHardwareClock(string) ([]clockSample, error) { return nil, errors.ErrUnsupported }
