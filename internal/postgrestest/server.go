package postgrestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/fettle-io/fettle/internal/servertest"
)

// Server is one PostgreSQL.
type Server struct {
	Name string
	Port int
	Dir  string
	Link *servertest.Relay // of a standby: the way to its source

	cluster *Cluster
	process servertest.Process // the postmaster
}

// Address is where it answers.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

// configure writes what is this server's own. Timeouts are short, so that what takes a
// minute by default takes seconds.
func (s *Server) configure() error {
	lines := []string{
		"port = " + strconv.Itoa(s.Port), "listen_addresses = '127.0.0.1'", "unix_socket_directories = '" + s.cluster.dir + "'", "cluster_name = '" + s.Name + "'",
		"fsync = off", "shared_buffers = 16MB", "wal_level = logical", "max_wal_size = 64MB", "max_slot_wal_keep_size = 512MB", "autovacuum = off", "log_line_prefix = '%m [%p] '",
		"wal_receiver_timeout = 4s", "wal_sender_timeout = 4s", "wal_receiver_status_interval = 1s", "wal_retrieve_retry_interval = 200ms",
	}
	if s.Link != nil {
		lines = append(lines, fmt.Sprintf("primary_conninfo = 'host=127.0.0.1 port=%d user=replicator application_name=%s'", s.Link.Port, s.Name), "primary_slot_name = '"+s.Name+"'")
	}
	for _, f := range []struct{ setting, from, name string }{{"ssl_cert_file", s.cluster.options.CertFile, "server.pem"}, {"ssl_key_file", s.cluster.options.KeyFile, "server.key"}} {
		if f.from == "" {
			continue
		}
		pem, err := os.ReadFile(f.from)
		if err != nil {
			return err
		}
		if err := s.write(f.name, pem); err != nil {
			return err
		}
		lines = append(lines, "ssl = on", f.setting+" = '"+f.name+"'")
	}
	lines = append(lines, s.cluster.options.Settings...)
	if err := s.write("postgresql.conf", []byte(strings.Join(lines, "\n")+"\n")); err != nil {
		return err
	}
	if err := s.write("postgresql.auto.conf", nil); err != nil { // pg_basebackup's own way to the source
		return err
	}
	return s.write("pg_hba.conf", []byte("local all postgres trust\nlocal all all scram-sha-256\nhost replication replicator 127.0.0.1/32 trust\nhost all postgres,replicator 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"))
}

func (s *Server) write(name string, text []byte) error {
	path := filepath.Join(s.Dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return err
	}
	return s.cluster.own(path)
}

// Start starts it and waits until it answers.
func (s *Server) Start(ctx context.Context) error {
	if err := s.process.Start(); err != nil {
		return err
	}
	return s.Await(ctx)
}

// Await waits until it answers, or ctx ends, or it does.
func (s *Server) Await(ctx context.Context) error {
	return s.process.Await(ctx, func(ctx context.Context) error {
		_, err := s.SQL(ctx, "SELECT 1")
		return err
	})
}

// SQL runs statements as the superuser, over a connection of its own, and returns the
// first column of the last rows.
func (s *Server) SQL(ctx context.Context, statements string) ([]string, error) {
	config, err := pgconn.ParseConfig(fmt.Sprintf("host=127.0.0.1 port=%d user=postgres dbname=postgres sslmode=disable", s.Port))
	if err != nil {
		return nil, err
	}
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	defer func() {
		_ = conn.Close(ctx) // it was asked all
		<-conn.CleanupDone()
	}()
	results, err := conn.Exec(ctx, statements).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL %q: %w", s.Name, err)
	}
	var column []string
	for _, r := range results {
		if len(r.FieldDescriptions) == 0 {
			continue
		}
		column = nil
		for _, row := range r.Rows {
			column = append(column, string(row[0]))
		}
	}
	return column, nil
}

// Write makes the server write about n kilobytes of log, and commits.
func (s *Server) Write(ctx context.Context, n int) error {
	_, err := s.SQL(ctx, fmt.Sprintf("INSERT INTO t SELECT i, repeat('x', 950) FROM generate_series(1, %d) i", n))
	return err
}

// processes are the postmaster and what it has started, which PostgreSQL puts into
// process groups of their own.
func (s *Server) processes() []int {
	pids := []int{s.process.PID()}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") //nolint:errcheck // the pattern is right
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := bytes.Cut(stat[max(0, bytes.LastIndexByte(stat, ')')):], []byte(") "))
		fields := strings.Fields(string(rest))
		if len(fields) > 1 && fields[1] == strconv.Itoa(pids[0]) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func (s *Server) signal(sig syscall.Signal) error {
	var errs []error
	for _, pid := range s.processes() {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			errs = append(errs, fmt.Errorf("send %s to PostgreSQL %q: %w", sig, s.Name, err))
		}
	}
	return errors.Join(errs...)
}

// Freeze stops all its processes (SIGSTOP): connections are still accepted, by the
// kernel, and nothing answers. The postmaster first, which would start others.
func (s *Server) Freeze() error {
	if err := s.process.Freeze(); err != nil {
		return err
	}
	return s.signal(syscall.SIGSTOP)
}

// Thaw lets them go on.
func (s *Server) Thaw() error { return s.signal(syscall.SIGCONT) }

// Kill ends all its processes with SIGKILL and returns once they are gone: one that is
// left would keep the server from starting again.
func (s *Server) Kill() error {
	err := s.Freeze() // it starts no others
	pids := s.processes()
	err = errors.Join(err, s.signal(syscall.SIGKILL))
	<-s.process.Ended()
	for end := time.Now().Add(30 * time.Second); slices.ContainsFunc(pids[1:], alive); {
		if time.Now().After(end) {
			return errors.Join(err, fmt.Errorf("PostgreSQL %q: its processes do not end", s.Name))
		}
		time.Sleep(time.Millisecond)
	}
	return err
}

// alive tells that a process has not ended: one that only nobody has reaped has.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !bytes.Contains(stat[max(0, bytes.LastIndexByte(stat, ')')):], []byte(") Z "))
}

// Stop ends it without waiting for clients, also if it is frozen.
func (s *Server) Stop() error {
	if !s.process.Running() {
		return nil
	}
	err := s.Thaw()
	if quit := s.process.Signal(syscall.SIGQUIT); quit != nil {
		return errors.Join(err, quit)
	}
	select {
	case <-s.process.Ended():
		return err
	case <-time.After(10 * time.Second):
		return errors.Join(err, s.Kill())
	}
}
