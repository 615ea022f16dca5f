package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/fettle-io/fettle/internal/port"
)

// Pooler starts a PgBouncer in transaction mode before a server, as it comes: without
// ignore_startup_parameters. It returns where it answers, and what ends it.
func (c *Cluster) Pooler(ctx context.Context, to *Server) (address string, stop func() error, err error) {
	ports, err := port.Free(1)
	if err != nil {
		return "", nil, err
	}
	users, config := filepath.Join(c.dir, "users.txt"), filepath.Join(c.dir, "pgbouncer.ini")
	for path, text := range map[string]string{
		users: fmt.Sprintf("\"fettle\" %q\n", Password),
		config: fmt.Sprintf("[databases]\npostgres = host=127.0.0.1 port=%d\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = %s\npool_mode = transaction\n",
			to.Port, ports[0], users),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return "", nil, err
		}
		if err := c.own(path); err != nil {
			return "", nil, err
		}
	}
	pooler := c.process("PgBouncer", filepath.Join(c.dir, "pooler.log"), "/usr/sbin/pgbouncer", config)
	if err := pooler.Start(); err != nil {
		return "", nil, fmt.Errorf("%w (apt-get install pgbouncer)", err)
	}
	address = net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0]))
	err = pooler.Await(ctx, func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	if err != nil {
		return "", nil, errors.Join(err, pooler.Kill())
	}
	return address, pooler.Kill, nil
}
