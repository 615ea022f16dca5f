package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// asked is a server or a Sentinel that is asked.
type asked struct {
	name string
	line *line.Line[*conn]
	read cluster.Login
}

// look is what one of them answered.
type look[A any] struct {
	answer *A    // nil: it could not be asked
	err    error // why it could not
	// remote is the address that was connected to: others name it so.
	remote string
}

func newAsked(name, endpoint string, t cluster.TLS, read cluster.Login, o Options) (*asked, error) {
	network, address, host, err := line.Place(endpoint)
	if err != nil {
		return nil, err
	}
	conf, err := line.TLS(t, host)
	if err != nil {
		return nil, err
	}
	a := &asked{name: name, read: read}
	a.line = line.New(line.Options[*conn]{
		Dial: func(ctx context.Context) (*conn, error) {
			s, err := line.Open(ctx, network, address, conf, mostBytes)
			if err != nil {
				return nil, err
			}
			c := newConn(s)
			if err := a.login(ctx, c); err != nil {
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

// login reads the password anew each time, so that a changed one is used.
func (a *asked) login(ctx context.Context, c *conn) error {
	if a.read.PasswordFile == "" {
		return nil
	}
	password, err := line.Secret(a.read.PasswordFile)
	if err != nil {
		return err
	}
	words := []string{"AUTH", password}
	if a.read.Username != "" {
		words = []string{"AUTH", a.read.Username, password}
	}
	_, err = c.do(ctx, words)
	if err == nil {
		return nil
	}
	// What a server, of this kind or another, repeats of the question is not for a log.
	text := errors.New(line.Why(err, password))
	if _, told := errors.AsType[*replyError](err); told {
		return line.Because(cluster.BadAuth, fmt.Errorf("log in: %w", text))
	}
	return line.Because(line.Reason(err), text)
}

// ask puts fn's questions to a.
func ask[A any](ctx context.Context, a *asked, fn func(context.Context, *conn) (*A, error)) look[A] {
	var l look[A]
	l.err = a.line.Do(ctx, func(ctx context.Context, c *conn) (err error) {
		l.remote = c.RemoteAddr().String()
		l.answer, err = fn(ctx, c)
		return because(err)
	})
	if l.err != nil {
		l.answer = nil
	}
	return l
}

// because gives what the server told a reason.
func because(err error) error {
	told, ok := errors.AsType[*replyError](err)
	if !ok {
		return err
	}
	switch code, _, _ := strings.Cut(told.text, " "); code {
	case "NOAUTH", "WRONGPASS", "NOPERM", "DENIED":
		return line.Because(cluster.BadAuth, err)
	}
	if strings.HasPrefix(told.text, "ERR unknown command 'SENTINEL'") {
		return line.Because(cluster.BadProtocol, fmt.Errorf("this is no Sentinel, but a server: %w", err))
	}
	return err
}

// sections are what a server is asked for: a section of INFO each, since before Redis 7
// one command takes one.
func sections() [][]string {
	return [][]string{{"INFO", "server"}, {"INFO", "replication"}, {"INFO", "persistence"}, {"INFO", "clients"}, {"INFO", "memory"}}
}

// memberOf asks a server how it is.
func (d *Driver) memberOf(ctx context.Context, c *conn) (*Member, error) {
	replies, err := c.do(ctx, sections()...)
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(replies))
	for i, r := range replies {
		texts[i] = r.text
	}
	m, err := parse(texts...)
	if err != nil || !d.cluster.Redis.Config {
		return m, err
	}
	return m, m.configured(ctx, c)
}

// configured asks for settings that INFO does not tell. A server that refuses this
// answers all the same: it is a part that is not told.
func (m *Member) configured(ctx context.Context, c *conn) error {
	replies, err := c.do(ctx, []string{"CONFIG", "GET", "save"}, []string{"CONFIG", "GET", "stop-writes-on-bgsave-error"}, []string{"CONFIG", "GET", "min-*-to-write"})
	if err != nil {
		if usable(err) {
			return nil
		}
		return err
	}
	if save, ok := setting(replies[0]); ok {
		m.Snapshots = new(save != "")
	}
	if stops, ok := setting(replies[1]); ok {
		m.Writes.Stops = new(stops == "yes")
	}
	if wanted, ok := setting(replies[2]); ok { // min-replicas-to-write, and its older name
		m.Writes.Wanted = info{"n": wanted}.number("n")
	}
	return nil
}

// setting is the value of the first setting in an answer to CONFIG GET.
func setting(r reply) (value string, ok bool) {
	if len(r.list) < 2 {
		return "", false
	}
	return r.list[1].text, true
}
