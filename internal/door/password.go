package door

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
)

// What [Door.Authenticate] says beside yes.
var (
	// ErrNone: the request has no name and password.
	ErrNone = errors.New("no name and password")
	// ErrWrong: there is no such user, or the password is another.
	ErrWrong = errors.New("wrong name or password")
	// ErrBusy: too many passwords are being compared, this one was not.
	ErrBusy = errors.New("too many passwords are being compared: try again")
)

// patience is how long a request waits for its password to be compared.
const patience = 10 * time.Second

// Authenticate checks the name and password that r carries, and returns the name.
// A comparison takes tens of milliseconds of a processor on purpose. One that said
// yes is remembered until the files change, so that whoever is known never waits for
// those who try; and those who try wait for their own address's tries alone.
func (d *Door) Authenticate(r *http.Request) (user string, err error) {
	user, password, ok := r.BasicAuth()
	if !ok {
		return "", ErrNone
	}
	s := d.current()
	if len(s.users) == 0 {
		return "", ErrWrong
	}
	if d.known(s, user, password) {
		return user, nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	comparer, leave, err := d.queue.enter(ctx, source(r.RemoteAddr))
	if err != nil {
		d.metrics.tried("busy")
		return "", err
	}
	defer leave()
	right, err := d.compare(s, comparer, user, password)
	if errors.Is(err, errChanging) { // the one that was asked read another file than this
		right, err = d.compare(d.again(), comparer, user, password)
	}
	switch {
	case err != nil:
		return "", err
	case !right:
		d.metrics.tried("wrong")
		return "", ErrWrong
	}
	d.metrics.tried("right")
	return user, nil
}

// Busy tells whether err says that the password was not compared: the same request
// may be right, later.
func (*Door) Busy(err error) bool { return !errors.Is(err, ErrNone) && !errors.Is(err, ErrWrong) }

// errChanging: what a comparer said may be about another file than the one in use.
var errChanging = errors.New("the web configuration file has changed and is not taken, so that passwords cannot be compared: see the log")

// compare asks a comparer, which reads the file each time: its answer counts only if
// the file is still the one in use.
func (d *Door) compare(s *state, comparer http.Handler, user, password string) (right bool, err error) {
	if d.known(s, user, password) {
		return true, nil // by the one before in the queue
	}
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	w := &answer{header: http.Header{}}
	comparer.ServeHTTP(w, r)
	_, listed := s.users[user]
	switch {
	case changed(s.files[:1]):
		return false, errChanging
	case w.status == http.StatusNoContent && listed:
		s.passed.Store(d.digest(user, s.users[user], password), true)
		return true, nil
	case w.status == http.StatusUnauthorized:
		return false, nil
	}
	return false, fmt.Errorf("the password cannot be compared (%d)", w.status)
}

func (d *Door) known(s *state, user, password string) bool {
	hash, listed := s.users[user]
	_, passed := s.passed.Load(d.digest(user, hash, password))
	return listed && passed
}

// digest is what is remembered of a password: no password.
func (d *Door) digest(parts ...string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, d.key)
	for _, p := range parts {
		mac.Write([]byte(strconv.Itoa(len(p)) + ":" + p)) //nolint:errcheck // a hash takes everything
	}
	copy(sum[:], mac.Sum(nil))
	return sum
}

// source is who shares a place in the queue: an address, or with IPv6 a network, of
// which anybody has as many addresses as they want.
func source(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return ""
	}
	ip := net.ParseIP(host)
	if ip == nil || ip.To4() != nil {
		return host
	}
	return ip.Mask(net.CIDRMask(64, 128)).String()
}

// newComparer makes the toolkit's own check of names and passwords. Serving on a
// closed listener puts it before the handler and ends at once; it is asked directly.
func newComparer(file string) (http.Handler, error) {
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: bare}
	err := web.Serve(closed{}, server, &web.FlagConfig{WebConfigFile: &file}, slog.New(slog.DiscardHandler))
	if _, unchecked := server.Handler.(http.HandlerFunc); unchecked {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return server.Handler, nil
}

// newComparers makes as many as passwords are compared at a time: half of the
// processors at most.
func newComparers(file string) (chan http.Handler, error) {
	n := max(1, runtime.GOMAXPROCS(0)/2)
	all := make(chan http.Handler, n)
	for range n {
		c, err := newComparer(file)
		if err != nil {
			return nil, err
		}
		all <- c
	}
	return all, nil
}

// answer is the status of a comparer's answer.
type answer struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) { a.status = status }

// closed is a listener that nobody comes through.
type closed struct{}

// Accept implements net.Listener.
func (closed) Accept() (net.Conn, error) { return nil, net.ErrClosed }

// Close implements net.Listener.
func (closed) Close() error { return nil }

// Addr implements net.Listener.
func (closed) Addr() net.Addr { return &net.TCPAddr{} }
