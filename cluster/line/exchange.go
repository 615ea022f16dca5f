package line

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
)

// Once is a server that takes one question on each connection, and closes it behind
// its answer: ZooKeeper's four-letter words, HAProxy's stats socket.
type Once struct {
	network, address string
	conf             *tls.Config
	most             int64
}

// NewOnce makes a Once for an endpoint of the inventory. An answer has `most` bytes at
// most; conf is nil without TLS.
func NewOnce(endpoint string, conf *tls.Config, most int64) (*Once, error) {
	network, address, _, err := Place(endpoint)
	if err != nil {
		return nil, err
	}
	return &Once{network: network, address: address, conf: conf, most: most}, nil
}

// Ask connects, says question, and reads until the server closes.
func (o *Once) Ask(ctx context.Context, question string) ([]byte, error) {
	s, err := Open(ctx, o.network, o.address, o.conf, o.most)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }() // the answer is whole, or the error says why not
	defer s.Bound(ctx)()
	if _, err := io.WriteString(s, question); err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	answer, err := io.ReadAll(s)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return answer, nil
}

// Close is there for a Line: no connection is kept.
func (o *Once) Close() {}
