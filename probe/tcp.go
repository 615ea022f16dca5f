package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// mostTold is how much of what a server says is looked through.
const mostTold = 64 << 10

// askTCP connects, sends what is to be sent, and reads until what came in matches.
func askTCP(ctx context.Context, p *Prober, a *attempt) error {
	conn, err := a.dial(ctx, p.network("tcp"), p.Target)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	talk := conn
	if p.tls != nil {
		if talk, err = a.secure(ctx, conn, p.tls); err != nil {
			return err
		}
	}
	if p.Probe.TCP.Send != "" {
		if _, err := talk.Write([]byte(p.Probe.TCP.Send)); err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
	if p.expect == nil {
		return nil
	}
	return p.listen(talk, a)
}

// listen reads until what came in matches.
func (p *Prober) listen(conn net.Conn, a *attempt) error {
	begin := time.Now()
	told := make([]byte, 0, 4<<10)
	for {
		n, err := conn.Read(told[len(told):cap(told)])
		if n > 0 && len(told) == 0 {
			a.phase("wait", time.Since(begin))
		}
		told = told[:len(told)+n]
		switch {
		case n > 0 && p.expect.Match(told):
			return nil
		case len(told) >= mostTold:
			return line.Because(cluster.TooLarge, fmt.Errorf("no match in the first %d bytes", mostTold))
		case err != nil && len(told) > 0 && reason(err) != cluster.BadTLS:
			return line.Because(BadContent, fmt.Errorf("what came in (%d bytes) does not match, then: %w", len(told), err))
		case err != nil:
			return fmt.Errorf("read: %w", err)
		}
		if len(told) == cap(told) {
			told = append(make([]byte, 0, min(4*cap(told), mostTold)), told...)
		}
	}
}

// errNoMatch is a body that has not what was expected.
var errNoMatch = line.Because(BadContent, errors.New("the answer does not match"))
