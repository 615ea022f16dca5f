// Package mysqltest starts real MariaDB servers for tests, on 127.0.0.1 and in
// directories of their own, freezes and kills them, and cuts the connections between
// them. MySQL itself is in no package of Debian's: StandIn speaks its wire protocol, with
// answers that a test writes down.
//
// Start with Start; a servertest.Relay stands between two servers.
package mysqltest

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"

	protocol "github.com/go-sql-driver/mysql"

	"github.com/fettle-io/fettle/internal/port"
	"github.com/fettle-io/fettle/internal/servertest"
)

// Server is a running mariadbd with a binary log and GTIDs. Its root needs no password,
// over the socket.
type Server struct {
	// ID is its server_id, Port on 127.0.0.1, Dir everything that it has.
	ID, Port int
	Dir      string

	arguments []string
	process   servertest.Process
}

// Template makes the data directory that Start copies: that is quicker than making one
// for each server. dir must be one that everybody may enter.
func Template(ctx context.Context, dir string) error {
	data := filepath.Join(dir, "template")
	if err := own(data); err != nil {
		return err
	}
	arguments := []string{"--no-defaults", "--datadir=" + data, "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve", "--innodb-log-file-size=4M"}
	if os.Getuid() == 0 {
		arguments = append(arguments, "--user=mysql")
	}
	out, err := exec.CommandContext(ctx, "mariadb-install-db", arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("mariadb-install-db: %w\n%s", err, out)
	}
	return nil
}

// Start copies the template below dir and starts a server with it, and with arguments
// beside those that make a test quick. It waits until the server answers, or ctx ends.
func Start(ctx context.Context, dir string, id int, arguments ...string) (*Server, error) {
	s := &Server{ID: id, Dir: filepath.Join(dir, "server"+strconv.Itoa(id)), arguments: arguments}
	if err := own(s.Dir); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, "cp", "-a", filepath.Join(dir, "template"), s.data()).CombinedOutput(); err != nil { //nolint:gosec // paths of the test
		return nil, fmt.Errorf("copy the template: %w\n%s", err, out)
	}
	for try := 1; ; try++ {
		ports, err := port.Free(1)
		if err != nil {
			return nil, err
		}
		s.Port = ports[0]
		if err = s.Restart(ctx); err == nil || try == 3 || ctx.Err() != nil {
			return s, err
		}
	}
}

func (s *Server) data() string   { return filepath.Join(s.Dir, "data") }
func (s *Server) socket() string { return filepath.Join(s.Dir, "socket") }

// Restart starts a server that was ended, on the same port and data.
func (s *Server) Restart(ctx context.Context) error {
	all := []string{
		"mariadbd", "--no-defaults", "--datadir=" + s.data(), "--socket=" + s.socket(), "--pid-file=" + filepath.Join(s.Dir, "pid"),
		"--bind-address=127.0.0.1", "--port=" + strconv.Itoa(s.Port), "--server-id=" + strconv.Itoa(s.ID),
		"--log-bin=bin", "--relay-log=relay", "--log-slave-updates", "--gtid-strict-mode=1", "--skip-name-resolve", "--skip-slave-start",
		"--innodb-buffer-pool-size=16M", "--innodb-log-file-size=4M", "--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0", "--performance-schema=0",
	}
	if os.Getuid() == 0 {
		all = append(all, "--user=mysql")
	}
	s.process = servertest.Process{
		Name: "server " + strconv.Itoa(s.ID), Argv: append(all, s.arguments...), Log: filepath.Join(s.Dir, "log"),
	}
	if err := s.process.Start(); err != nil {
		return err
	}
	if err := s.process.Await(ctx, func(ctx context.Context) error { return s.Exec(ctx, "SELECT 1") }); err != nil {
		return errors.Join(err, s.Kill())
	}
	return nil
}

// Exec runs statements as root, each on its own, in one session.
func (s *Server) Exec(ctx context.Context, statements ...string) error {
	_, err := s.run(ctx, statements)
	return err
}

// Ask runs one as root and returns the first column of the first row, "" where there is none.
func (s *Server) Ask(ctx context.Context, statement string) (string, error) {
	return s.run(ctx, []string{statement})
}

func (s *Server) run(ctx context.Context, statements []string) (answer string, err error) {
	conn, err := s.Session(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	for _, statement := range statements {
		if answer, err = Run(ctx, conn, statement); err != nil {
			return "", fmt.Errorf("%s: %w", statement, err)
		}
	}
	return answer, nil
}

// Session is a session of root's, for what must stay open, such as a lock.
func (s *Server) Session(ctx context.Context) (driver.Conn, error) {
	conf := protocol.NewConfig()
	conf.User, conf.Net, conf.Addr, conf.Logger = "root", "unix", s.socket(), &protocol.NopLogger{}
	connector, err := protocol.NewConnector(conf)
	if err != nil {
		return nil, err
	}
	return connector.Connect(ctx)
}

// Run runs a statement on a session, and returns the first column of its first row.
func Run(ctx context.Context, conn driver.Conn, statement string) (string, error) {
	rows, err := conn.(driver.QueryerContext).QueryContext(ctx, statement, nil) //nolint:forcetypeassert // the driver's is one
	if err != nil {
		return "", err
	}
	defer rows.Close()
	values := make([]driver.Value, len(rows.Columns()))
	if len(values) == 0 {
		return "", nil
	}
	switch err := rows.Next(values); {
	case errors.Is(err, io.EOF):
		return "", nil
	case err != nil:
		return "", err
	}
	if b, ok := values[0].([]byte); ok {
		return string(b), nil
	}
	return fmt.Sprint(values[0]), nil
}

// Endpoint is where it answers.
func (s *Server) Endpoint() string { return "mysql://127.0.0.1:" + strconv.Itoa(s.Port) }

// Socket is its endpoint for who is on the same machine.
func (s *Server) Socket() string { return "unix://" + s.socket() }

// Freeze stops the process where it is, Thaw lets it go on.
func (s *Server) Freeze() error { return s.process.Freeze() }

// Thaw ends a Freeze.
func (s *Server) Thaw() error { return s.process.Thaw() }

// Kill ends it at once, also while it is frozen, and waits for the end.
func (s *Server) Kill() error {
	if s == nil {
		return nil
	}
	return s.process.Kill()
}

// own makes a directory that mariadbd may use, whoever runs it.
func own(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // mariadbd's user enters it
		return err
	}
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("mysql")
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	return os.Chown(dir, uid, -1)
}
