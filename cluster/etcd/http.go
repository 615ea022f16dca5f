package etcd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/fettle-io/fettle/cluster/line"
)

// maxAnswer caps what is read of an answer: 4 MiB. A metrics page has 0.2.
const maxAnswer = 4 << 20

// httpClient keeps connections, follows no redirect and uses no proxy: an answer
// is that member's own.
func httpClient(conf *tls.Config) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			TLSClientConfig:     conf.Clone(),
			MaxIdleConnsPerHost: 2,
			ReadBufferSize:      32 << 10, // a page has 200 KiB: with 4 they are fifty calls
			IdleConnTimeout:     time.Minute,
			DisableCompression:  true, // it would cost the member more than it saves the network
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// get asks for one page; the caller closes the body.
func (d *Driver) get(ctx context.Context, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return d.do(req)
}

// do is get for a request that is there already.
func (d *Driver) do(req *http.Request) (*http.Response, error) {
	resp, err := d.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close() // nothing was read of it
		return nil, &statusError{req.URL.Redacted(), resp.Status, resp.StatusCode}
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	return resp, nil
}

// statusError is an answer that is not 200.
type statusError struct {
	url, status string
	code        int
}

func (e *statusError) Error() string { return fmt.Sprintf("GET %s: %s", e.url, e.status) }

// pageReason is the bounded reason of an error of get, or of reading what it got.
func pageReason(err error) string {
	if e, ok := errors.AsType[*statusError](err); ok {
		if e.code == http.StatusUnauthorized || e.code == http.StatusForbidden {
			return badAuth
		}
		return badProtocol
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge
	}
	return line.Reason(err)
}

// Answers tells whether anything answers HTTP on the member's client port and on
// its peer port: any status, or a finished TLS handshake. A port that accepts and
// then says nothing, as a stopped process's does, does not answer, and neither
// does the client port of a member that started without a quorum.
func (d *Driver) Answers(ctx context.Context, member string) (client, peer bool) {
	m, ok := d.member(member)
	if !ok {
		return false, false
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	told := make(chan bool, 1)
	go func() { told <- d.answers(ctx, m.Peer) }()
	client = d.answers(ctx, m.Endpoint)
	return client, <-told
}

// answers connects anew: a kept connection could answer for a port that is closed.
func (d *Driver) answers(ctx context.Context, base string) bool {
	u, err := parseURL(base)
	if err != nil {
		return false
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return false
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok && conn.SetDeadline(deadline) != nil {
		return false
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if u.Scheme == "https" {
		return shakesHands(ctx, conn, d.tls)
	}
	if _, err := fmt.Fprintf(conn, "GET /version HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", u.Host); err != nil {
		return false
	}
	head := make([]byte, len("HTTP/1."))
	_, err = io.ReadFull(conn, head)
	return err == nil && string(head) == "HTTP/1."
}

// shakesHands tells that a TLS server spoke, if only to refuse: whether it is to
// be believed is not asked, nothing is said to it, and it only shows life.
func shakesHands(ctx context.Context, conn net.Conn, conf *tls.Config) bool {
	conf = conf.Clone()
	conf.InsecureSkipVerify = true //nolint:gosec // see above
	err := tls.Client(conn, conf).HandshakeContext(ctx)
	var alert tls.AlertError
	return err == nil || errors.As(err, &alert)
}
