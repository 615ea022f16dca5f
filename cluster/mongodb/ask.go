package mongodb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// asked is a member that is asked.
type asked struct {
	line *line.Line[*conn]
	read cluster.Login
}

// look is what a member answered.
type look struct {
	answer *Member // nil: it could not be asked
	err    error   // why it could not
}

func newAsked(endpoint string, c cluster.Cluster, o Options) (*asked, error) {
	network, address, host, err := line.Place(endpoint)
	if err != nil {
		return nil, err
	}
	conf, err := line.TLS(c.TLS, host)
	if err != nil {
		return nil, err
	}
	a := &asked{read: c.Read}
	a.line = line.New(line.Options[*conn]{
		Dial: func(ctx context.Context) (*conn, error) {
			s, err := line.Open(ctx, network, address, conf, mostBytes+headerSize)
			if err != nil {
				return nil, err
			}
			c := &conn{Stream: s}
			if err := a.begin(ctx, c); err != nil {
				_ = c.Close()
				return nil, err
			}
			return c, nil
		},
		Close:  func(c *conn) { _ = c.Close() },
		Usable: usable,
		Now:    o.Now,
	})
	return a, nil
}

// begin logs in, where a user is declared and the member can know one, and asks for the
// version. The password is read anew each time, so that a changed one is used.
func (a *asked) begin(ctx context.Context, c *conn) error {
	hello, err := greet(ctx, c)
	if err != nil {
		return err
	}
	if a.read.PasswordFile != "" && !hello.is("arbiterOnly") { // an arbiter has no data, and so no users
		password, err := line.Secret(a.read.PasswordFile)
		if err != nil {
			return err
		}
		if err := login(ctx, c, a.read.Username, password); err != nil {
			return clean(err, password)
		}
	}
	built, err := c.run(ctx, "admin", document{{"buildInfo", int32(1)}})
	if err != nil {
		return err
	}
	c.version = built.text("version")
	return nil
}

// clean keeps what a server repeats of the question out of a log.
func clean(err error, password string) error {
	if text := err.Error(); password != "" && strings.Contains(text, password) {
		return line.Because(line.Reason(err), errors.New(strings.ReplaceAll(text, password, "…")))
	}
	return err
}

// greet is hello, which needs no login.
func greet(ctx context.Context, c *conn) (document, error) {
	hello, err := c.run(ctx, "admin", document{{"hello", int32(1)}})
	switch {
	case err != nil:
		return nil, err
	case hello.text("msg") == "isdbgrid":
		return nil, line.Because(cluster.BadProtocol, errors.New("this is a mongos, not a member of a replica set: declare the members of each shard as a cluster of its own"))
	case hello.text("setName") == "" && !hello.is("isreplicaset"):
		return nil, line.Because(cluster.BadProtocol, errors.New("this mongod is a member of no replica set"))
	}
	return hello, nil
}

// look asks a member how it is.
func (a *asked) look(ctx context.Context, set string) look {
	var l look
	l.err = a.line.Do(ctx, func(ctx context.Context, c *conn) error {
		m, err := member(ctx, c, set)
		l.answer = m
		return err
	})
	if l.err != nil {
		l.answer = nil
	}
	return l
}

func member(ctx context.Context, c *conn, set string) (*Member, error) {
	hello, err := greet(ctx, c)
	if err != nil {
		return nil, err
	}
	if is := hello.text("setName"); set != "" && is != "" && is != set {
		return nil, fmt.Errorf("a member of the set %.64q answers, not of %q", is, set)
	}
	if hello.is("arbiterOnly") {
		return arbiter(hello, c.version), nil
	}
	status, err := c.run(ctx, "admin", document{{"replSetGetStatus", int32(1)}})
	if err != nil {
		return nil, err
	}
	conf, err := c.run(ctx, "admin", document{{"replSetGetConfig", int32(1)}})
	if err != nil {
		return nil, err
	}
	m, err := read(hello, status, conf.sub("config"))
	if err != nil {
		return nil, err
	}
	m.Version = c.version
	if m.State != "PRIMARY" && m.State != "SECONDARY" {
		return m, nil // its oplog may be missing, or not be told
	}
	if m.Oplog.First, err = entry(ctx, c, 1); err != nil {
		return nil, err
	}
	if m.Oplog.Last, err = entry(ctx, c, -1); err != nil {
		return nil, err
	}
	return m, nil
}

// entry is the time of the first entry of the oplog (1), or of the last (-1), in seconds
// since 1970. Natural order needs no index, and reads one entry.
func entry(ctx context.Context, c *conn, order int32) (*float64, error) {
	answer, err := c.run(ctx, "local", document{
		{"find", "oplog.rs"}, {"filter", document{}}, {"sort", document{{"$natural", order}}}, {"projection", document{{"ts", int32(1)}, {"_id", int32(0)}}},
		{"limit", int32(1)}, {"singleBatch", true}, {"maxTimeMS", int32(1000)}, {"$readPreference", document{{"mode", "nearest"}}},
	})
	if err != nil {
		return nil, err
	}
	batch := answer.sub("cursor").sub("firstBatch")
	if len(batch) == 0 {
		return nil, nil // empty
	}
	if at := batch.sub("0").stamp("ts"); at.seconds > 0 {
		return new(float64(at.seconds)), nil
	}
	return nil, notMongoDB("an entry of the oplog without its time")
}
