package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// begin asks which questions the broker takes, and logs in where a user is declared.
func (a *asked) begin(ctx context.Context, c *conn) error {
	r, err := c.ask(ctx, apiVersions(), func(*writer) {})
	if err != nil {
		return err
	}
	code, known := r.int16(), map[int16][2]int16{}
	r.list(func() {
		key := r.int16()
		known[key] = [2]int16{r.int16(), r.int16()}
	})
	if err := errors.Join(told(apiVersions(), code, ""), r.well(apiVersions())); err != nil {
		return err
	}
	wanted := []api{metadata(), listOffsets(), findCoordinator(), offsetFetch(), describeConfigs()}
	if a.read.PasswordFile != "" {
		wanted = append(wanted, saslHandshake(), saslAuthenticate())
	}
	for _, w := range wanted {
		if v, ok := known[w.key]; !ok || w.version < v[0] || w.version > v[1] {
			return line.Because(cluster.BadVersion, fmt.Errorf("the broker takes %s in the versions %d to %d, and not in %d, as Kafka 2.1 to 4 do", w.name, v[0], v[1], w.version))
		}
	}
	if a.read.PasswordFile == "" {
		return nil
	}
	return a.login(ctx, c)
}

// login is SASL/PLAIN, over TLS alone. The password is read anew each time, so that a
// changed one is used.
func (a *asked) login(ctx context.Context, c *conn) error {
	password, err := line.Secret(a.read.PasswordFile)
	if err != nil {
		return err
	}
	if strings.ContainsRune(password, 0) {
		return line.Because(cluster.BadAuth, errors.New("the password has a zero byte in it"))
	}
	r, err := c.ask(ctx, saslHandshake(), func(w *writer) { w.string("PLAIN") })
	if err != nil {
		return err
	}
	code, offered := r.int16(), []string(nil)
	r.list(func() { offered = append(offered, r.string()) })
	if code != 0 {
		return told(saslHandshake(), code, fmt.Sprintf("the broker takes %.200q, not PLAIN", offered))
	}
	r, err = c.ask(ctx, saslAuthenticate(), func(w *writer) { w.bytes([]byte("\x00" + a.read.Username + "\x00" + password)) })
	if err != nil {
		return err
	}
	code, text := r.int16(), r.string()
	r.skipBytes()
	life := time.Duration(r.int64()) * time.Millisecond
	if code != 0 { // what a broker repeats of the question is not for a log
		return told(saslAuthenticate(), code, strings.ReplaceAll(text, password, "…"))
	}
	if c.expire = (time.Time{}); life > 0 && life < 1000*time.Hour {
		c.expire = a.now().Add(life * 4 / 5)
	}
	return r.well(saslAuthenticate())
}
