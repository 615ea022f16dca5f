package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// mostBytes of an answer: two lists of 64 rows are a tenth of it.
const mostBytes = 1 << 20

// conn is one connection, logged in.
type conn struct {
	pg       *pgconn.PgConn
	raw      *line.Conn // below TLS
	question question
	secret   string          // never to be shown
	used     bool            // asked before
	ended    bool            // by the other side
	prepared bool            // the question is, on the other side
	pooled   bool            // something between has other servers, where it is not
	settings map[string]bool // that it reported since the login: pgconn keeps them all
}

// mostSettings that a server reports: PostgreSQL 18 has 15.
const mostSettings = 256

// close never waits for the server. pgconn tidies up behind a question that failed for
// up to 15 s: that ends with the connection below it.
func (c *conn) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if !c.pg.IsClosed() {
		_ = c.pg.Close(ctx) // the server need not know
	}
	_ = c.raw.Close() // closed already, most often
}

// dialer makes connections to one member.
type dialer struct {
	network, address string
	config           *pgconn.Config
	login            cluster.Login
	timeout          time.Duration // of a question
}

func newDialer(c cluster.Cluster, m cluster.Member, timeout time.Duration) (*dialer, error) {
	d := &dialer{login: c.Read, timeout: timeout}
	// Everything that pgconn would take from the environment is overwritten below, but
	// for the user: without a login it is the one that this program runs as.
	config, err := pgconn.ParseConfig("host=localhost port=5432 sslmode=disable target_session_attrs=any")
	if err != nil {
		return nil, err
	}
	config.Fallbacks, config.ConnectTimeout = nil, 0
	// One address: net.Dialer resolves it, and tries what it resolves to.
	config.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	if socket, ok := strings.CutPrefix(m.Endpoint, "unix://"); ok {
		d.network, d.address, config.Host = "unix", socket, filepath.Dir(socket)
	} else {
		u, err := url.Parse(m.Endpoint)
		if err != nil || u.Scheme != "postgres" {
			return nil, errors.New("endpoint: not like postgres://host:port")
		}
		port, err := strconv.ParseUint(u.Port(), 10, 16)
		if err != nil {
			return nil, errors.New("endpoint: not like postgres://host:port")
		}
		d.network, d.address, config.Host, config.Port = "tcp", u.Host, u.Hostname(), uint16(port)
	}
	config.RuntimeParams = map[string]string{"application_name": "fettle_exporter", "client_encoding": "UTF8"}
	config.MaxProtocolMessageBodyLen = mostBytes
	config.Database = c.Postgres.Database
	if config.Database == "" {
		config.Database = "postgres"
	}
	if c.Read.Username != "" {
		config.User = c.Read.Username
	}
	config.RequireAuth = ""
	if d.network == "tcp" {
		if config.TLSConfig, err = line.TLS(c.TLS, config.Host); err != nil {
			return nil, err
		}
		if config.TLSConfig == nil {
			config.RequireAuth = "!password" // never the password itself over a plain line
		}
	}
	d.config = config
	return d, nil
}

// dial connects and logs in. Its errors have a reason and no secret.
func (d *dialer) dial(ctx context.Context) (*conn, error) {
	c := &conn{}
	if d.login.PasswordFile != "" {
		password, err := os.ReadFile(d.login.PasswordFile)
		if err != nil {
			return nil, line.Because(cluster.BadAuth, fmt.Errorf("password of user %q: %w", d.login.Username, err))
		}
		c.secret = strings.TrimRight(string(password), "\r\n")
	}
	config := d.config.Copy()
	config.Password = c.secret
	// The first connection is the only one: pgconn would make another to cancel a
	// question that was given up, and a sick server has one less then.
	config.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		if c.raw != nil {
			return nil, errors.New("no second connection")
		}
		raw, err := line.Dial(ctx, d.network, d.address, mostBytes)
		if err != nil {
			return nil, err
		}
		c.raw = raw
		return raw, nil
	}
	var err error
	if c.pg, err = pgconn.ConnectConfig(ctx, config); err != nil {
		return nil, c.explain(err, true)
	}
	major, err := majorOf(c.pg.ParameterStatus("server_version"))
	if err != nil {
		c.close()
		return nil, err
	}
	c.question = questionFor(major, d.timeout)
	return c, nil
}

// majorOf is the major version in what the server says that it is: "15.18 (Debian …)",
// "19beta1".
func majorOf(version string) (int, error) {
	digits := strings.IndexFunc(version+" ", func(r rune) bool { return r < '0' || r > '9' })
	major, err := strconv.Atoi(version[:digits])
	if err != nil {
		return 0, line.Because(cluster.BadVersion, fmt.Errorf("the server says that its version is %.32q", version))
	}
	if major < oldest {
		return 0, line.Because(cluster.BadVersion, fmt.Errorf("the server's version is %.32q: %d is the oldest that is understood (a pooler's own console has another)", version, oldest))
	}
	return major, nil
}

// ask puts the question.
func (c *conn) ask(ctx context.Context) (*Member, error) {
	c.used = true
	row, err := c.exchange(ctx)
	if said, ok := errors.AsType[*pgconn.PgError](err); ok && !c.pooled && (said.Code == noStatement || said.Code == sameStatement) {
		c.pooled = true
		row, err = c.exchange(ctx)
	}
	if err != nil {
		c.ended = ctx.Err() == nil && (c.pg.IsClosed() || hungUp(err))
		return nil, c.explain(err, false)
	}
	if row == nil {
		return nil, line.Because(cluster.BadProtocol, errors.New("no row in the answer"))
	}
	return parse(row)
}

// What a pooler's other server says of a statement that was prepared elsewhere.
const (
	noStatement   = "26000" // invalid_sql_statement_name
	sameStatement = "42P05" // duplicate_prepared_statement
)

// exchange sends the question and reads the one row of the answer, in one round trip.
// The question is prepared once for each connection: to plan it costs the server five
// times as much as to answer it.
func (c *conn) exchange(ctx context.Context) ([]byte, error) {
	c.raw.Allow()
	until, _ := ctx.Deadline()
	if err := c.raw.SetWriteDeadline(until); err != nil {
		return nil, err
	}
	f, answers := c.pg.Frontend(), 1
	if c.pooled {
		f.SendQuery(&pgproto3.Query{String: c.question.begin + "; " + c.question.text + "; " + commit})
	} else {
		answers = 3
		if !c.prepared {
			f.SendParse(&pgproto3.Parse{Name: c.question.name, Query: c.question.text})
			f.SendSync(&pgproto3.Sync{})
			c.prepared, answers = true, 4
		}
		f.SendQuery(&pgproto3.Query{String: c.question.begin})
		f.SendBind(&pgproto3.Bind{PreparedStatement: c.question.name})
		f.SendExecute(&pgproto3.Execute{})
		f.SendSync(&pgproto3.Sync{})
		f.SendQuery(&pgproto3.Query{String: commit})
	}
	if err := f.Flush(); err != nil {
		return nil, err
	}
	return c.receive(ctx, answers)
}

// receive reads until the server is ready as many times, and returns the last row, and
// the first error that the server told.
func (c *conn) receive(ctx context.Context, answers int) (row []byte, said error) {
	for answers > 0 {
		message, err := c.pg.ReceiveMessage(ctx)
		if err != nil {
			return nil, err
		}
		switch m := message.(type) {
		case *pgproto3.DataRow:
			if len(m.Values) == 1 {
				row = bytes.Clone(m.Values[0])
			}
		case *pgproto3.ErrorResponse:
			if said == nil {
				said = pgconn.ErrorResponseToPgError(m)
			}
		case *pgproto3.ParameterStatus:
			if c.settings == nil {
				c.settings = map[string]bool{}
			}
			if c.settings[m.Name] = true; len(c.settings) > mostSettings {
				return nil, line.Because(cluster.TooLarge, errors.New("it reports settings without end"))
			}
		case *pgproto3.ReadyForQuery:
			answers--
		}
	}
	return row, said
}
