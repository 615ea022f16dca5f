package access

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// peer is the process at the other end of the unix socket.
type peer struct {
	uid int
	err error
}

type peerKey struct{}

// ConnContext is for http.Server: it notes who is at the other end of a
// connection over the unix socket. The listener must hand out *net.UnixConn,
// so nothing may be wrapped around it.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return ctx
	}
	uid, err := peerUID(u)
	return context.WithValue(ctx, peerKey{}, peer{uid, err})
}

func peerOf(ctx context.Context) (peer, bool) {
	p, ok := ctx.Value(peerKey{}).(peer)
	return p, ok
}

// identify makes the socket's owner and root operators. Its mode says the same
// already.
func (p peer) identify() (Identity, error) {
	if p.err != nil {
		return Identity{}, unauthenticated("who is at the other end of the unix socket cannot be told: " + p.err.Error())
	}
	if p.uid != 0 && p.uid != os.Geteuid() {
		return Identity{}, &refusedError{
			status: http.StatusForbidden, message: "the unix socket is for its owner and root",
			hint: "run it as fettle's user, or over HTTP with an operator's token",
		}
	}
	return Identity{Name: "unix:" + strconv.Itoa(p.uid), Role: Operator, How: "unix"}, nil
}

// ListenUnix listens on a socket with mode 0600. At no moment is it open to
// others. A socket that nobody listens on any more is replaced; anything else
// at path is an error.
func ListenUnix(path string) (net.Listener, error) {
	if err := free(path); err != nil {
		return nil, fmt.Errorf("unix socket %s: %w", path, err)
	}
	private, err := os.MkdirTemp(filepath.Dir(path), ".s")
	if err != nil {
		return nil, fmt.Errorf("unix socket %s: %w", path, err)
	}
	defer os.RemoveAll(private) //nolint:errcheck // an empty directory at most
	early := filepath.Join(private, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: early, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("unix socket %s: %w", path, err)
	}
	l.SetUnlinkOnClose(false) // it has another name by then
	if err := errors.Join(os.Chmod(early, 0o600), os.Rename(early, path)); err != nil {
		return nil, errors.Join(fmt.Errorf("unix socket %s: %w", path, err), l.Close())
	}
	return &socket{UnixListener: l, path: path}, nil
}

func free(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return errors.New("there is something else that is no socket")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	if err == nil {
		err = c.Close()
	}
	return errors.Join(errors.New("another process listens on it"), err)
}

// socket removes its file when it is closed.
type socket struct {
	*net.UnixListener
	path string
}

// Close stops listening.
func (s *socket) Close() error {
	return errors.Join(s.UnixListener.Close(), remove(s.path))
}

func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
