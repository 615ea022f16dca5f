// Package postgrestest runs a real PostgreSQL on loopback for tests: a primary,
// standbys that follow it or one another over a relay that can be cut, and everything
// that can happen to them. Start begins; a Server is then frozen, killed, promoted.
//
// PostgreSQL does not run as root: where the test does, its servers run as the user
// postgres, and the directory that they live in must be one that this user may enter.
package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/port"
	"github.com/fettle-io/fettle/internal/servertest"
)

// Password is that of the user fettle, who has pg_monitor and nothing else.
const Password = "canary-5e0f6c1d"

// Options tune a Cluster.
type Options struct {
	// CertFile and KeyFile let the servers speak TLS as well.
	CertFile, KeyFile string
	// Settings are added to postgresql.conf.
	Settings []string
}

// Cluster is a PostgreSQL primary and its standbys.
type Cluster struct {
	Servers []*Server

	dir, bin string
	options  Options
	as       *syscall.Credential // who runs the servers; nil: who runs the test
	owner    [2]int              // uid and gid of their files, -1: as they are
}

// Start initialises a primary, named "a", below dir, and waits until it answers.
func Start(ctx context.Context, dir string, o Options) (*Cluster, error) {
	c := &Cluster{dir: dir, options: o, owner: [2]int{-1, -1}}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return nil, errors.New("no /usr/lib/postgresql/*/bin/initdb: apt-get install postgresql")
	}
	slices.Sort(found)
	c.bin = filepath.Dir(found[len(found)-1])
	if os.Getuid() == 0 {
		if err := c.drop(); err != nil {
			return nil, err
		}
	}
	a, err := c.plan("a")
	if err != nil {
		return nil, err
	}
	if err := c.run(ctx, "initdb", "-D", a.Dir, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"); err != nil {
		return nil, err
	}
	if err := a.configure(); err != nil {
		return nil, err
	}
	c.Servers = append(c.Servers, a)
	if err := a.Start(ctx); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	_, err = a.SQL(ctx, `SET password_encryption = 'scram-sha-256'; CREATE ROLE fettle LOGIN PASSWORD '`+Password+`'; GRANT pg_monitor TO fettle;
		CREATE ROLE nobody LOGIN PASSWORD '`+Password+`'; CREATE ROLE replicator LOGIN REPLICATION; CREATE TABLE t (n bigint, filler text)`)
	if err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// drop makes the servers run as postgres.
func (c *Cluster) drop() error {
	u, err := user.Lookup("postgres")
	if err != nil {
		return err
	}
	for i, id := range []string{u.Uid, u.Gid} {
		if c.owner[i], err = strconv.Atoi(id); err != nil {
			return err
		}
	}
	c.as = &syscall.Credential{Uid: uint32(c.owner[0]), Gid: uint32(c.owner[1])}
	return os.Chown(c.dir, c.owner[0], c.owner[1])
}

// Standby copies the server `of`, and starts the copy behind a relay to it, with a slot
// of its own name there.
func (c *Cluster) Standby(ctx context.Context, name string, of *Server) (*Server, error) {
	s, err := c.plan(name)
	if err != nil {
		return nil, err
	}
	if s.Link, err = servertest.NewRelay(of.Address()); err != nil {
		return nil, err
	}
	if err := c.run(ctx, "pg_basebackup", "-h", "127.0.0.1", "-p", strconv.Itoa(of.Port), "-U", "replicator", "-D", s.Dir, "-R", "-C", "-S", name, "-c", "fast", "--no-sync"); err != nil {
		s.Link.Close()
		return nil, err
	}
	if err := s.configure(); err != nil {
		s.Link.Close()
		return nil, err
	}
	c.Servers = append(c.Servers, s)
	return s, s.Start(ctx)
}

// Inventory is the cluster as fettle's configuration would name it, asked with the
// user fettle, whose password is put into a file below the cluster's directory.
func (c *Cluster) Inventory(name string) (cluster.Cluster, error) {
	file := filepath.Join(c.dir, "password")
	if err := os.WriteFile(file, []byte(Password+"\n"), 0o600); err != nil {
		return cluster.Cluster{}, err
	}
	inv := cluster.Cluster{Name: name, Kind: cluster.KindPostgres, Read: cluster.Login{Username: "fettle", PasswordFile: file}}
	for _, s := range c.Servers {
		inv.Members = append(inv.Members, cluster.Member{Name: s.Name, Host: "127.0.0.1", Endpoint: "postgres://" + s.Address()})
	}
	return inv, nil
}

// Stop ends all servers and links.
func (c *Cluster) Stop() error {
	var errs []error
	for _, s := range slices.Backward(c.Servers) {
		errs = append(errs, s.Stop())
		if s.Link != nil {
			s.Link.Close()
		}
	}
	return errors.Join(errs...)
}

// plan is a server on a port of its own, which is not started yet.
func (c *Cluster) plan(name string) (*Server, error) {
	ports, err := port.Free(1)
	if err != nil {
		return nil, err
	}
	s := &Server{Name: name, Port: ports[0], Dir: filepath.Join(c.dir, name), cluster: c}
	s.process = c.process("PostgreSQL "+name, filepath.Join(c.dir, name+".log"), filepath.Join(c.bin, "postgres"), "-D", s.Dir)
	return s, nil
}

// process is one that runs as the servers do. Its log is opened as who tests.
func (c *Cluster) process(name, log string, argv ...string) servertest.Process {
	return servertest.Process{Name: name, Argv: argv, Log: log, Dir: c.dir, Env: environment(), As: c.as}
}

// run runs one of PostgreSQL's programs.
func (c *Cluster) run(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, program), args...) //nolint:gosec // a test's
	cmd.Dir, cmd.SysProcAttr, cmd.Env = c.dir, &syscall.SysProcAttr{Setpgid: true, Credential: c.as}, environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// environment is without what libpq would read from it.
func environment() []string {
	return []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC", "PGPASSFILE=/dev/null"}
}

// own gives a file to who runs the servers.
func (c *Cluster) own(path string) error { return os.Lchown(path, c.owner[0], c.owner[1]) }
