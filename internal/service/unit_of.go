package service

import (
	"context"
	"fmt"

	systemd "github.com/coreos/go-systemd/v22/dbus"
)

// UnitOf is the service whose main process is pid, as systemd itself says; empty where
// the process belongs to no service, or is not its main one: then to end or start the
// unit would not be to end or start the process.
func (s *Systemd) UnitOf(ctx context.Context, pid int) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	c, err := s.connect()
	if err != nil {
		return "", fmt.Errorf("no connection to systemd over D-Bus: %w", err)
	}
	return unitOf(ctx, c, uint32(pid)) //nolint:gosec // a process ID
}

func unitOf(ctx context.Context, c *systemd.Conn, pid uint32) (string, error) {
	name, err := c.GetUnitNameByPID(ctx, pid)
	if err != nil {
		return "", fmt.Errorf("unit of process %d: %w", pid, err)
	}
	p, err := c.GetAllPropertiesContext(ctx, name)
	if err != nil {
		return "", fmt.Errorf("unit of process %d: %w", pid, err)
	}
	if decodeUnit(p).MainPID != pid {
		return "", nil
	}
	return name, nil
}
