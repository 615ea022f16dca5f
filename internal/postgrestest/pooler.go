package postgrestest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Pooler starts a PgBouncer in transaction mode before a server, as it comes: without
// ignore_startup_parameters. It returns where it answers, and what ends it.
func (c *Cluster) Pooler(ctx context.Context, to *Server) (address string, stop func() error, err error) {
	at, err := c.plan("pooler")
	if err != nil {
		return "", nil, err
	}
	users, config := filepath.Join(c.dir, "users.txt"), filepath.Join(c.dir, "pgbouncer.ini")
	for path, text := range map[string]string{
		users: fmt.Sprintf("\"fettle\" %q\n", Password),
		config: fmt.Sprintf("[databases]\npostgres = host=127.0.0.1 port=%d\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = %s\npool_mode = transaction\n",
			to.Port, at.Port, users),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return "", nil, err
		}
		if err := c.own(path); err != nil {
			return "", nil, err
		}
	}
	out, err := os.OpenFile(at.Output(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return "", nil, err
	}
	defer out.Close()                                  //nolint:errcheck // the child has its own
	cmd := exec.Command("/usr/sbin/pgbouncer", config) //nolint:gosec,noctx // runs until it is stopped
	cmd.Dir, cmd.SysProcAttr, cmd.Env, cmd.Stdout, cmd.Stderr = c.dir, c.as, environment(), out, out
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("start PgBouncer (apt-get install pgbouncer): %w", err)
	}
	stop = func() error {
		err := cmd.Process.Signal(syscall.SIGTERM) // at once: SIGINT would wait for clients
		_ = cmd.Wait()                             // how it ended is in its output
		return err
	}
	address = net.JoinHostPort("127.0.0.1", strconv.Itoa(at.Port))
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			return address, stop, conn.Close()
		}
		select {
		case <-ctx.Done():
			return "", nil, fmt.Errorf("PgBouncer does not listen: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
