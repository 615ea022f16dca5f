package etcd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/fettle-io/fettle/cluster"
)

// loginRest is how long a refused login is not tried again: each try costs every
// member a password hash.
const loginRest = 10 * time.Second

// login gets and keeps one member's token. The password is read when a token is
// needed, and kept nowhere. A token is asked for only after the member wanted one:
// that works with auth off too, and Status stays free where the version lets it
// be, which matters without a quorum, when no member can log anyone in.
type login struct {
	ref cluster.Login
	now func() time.Time

	mu    sync.Mutex
	token string
	wrong error
	since time.Time // of wrong
}

// loginError is a login that was refused, or a password that could not be read.
type loginError struct{ err error }

func (e *loginError) Error() string { return "log in: " + e.err.Error() }
func (e *loginError) Unwrap() error { return e.err }

// run calls rpc with the token, and once more with a new one if the member wants
// that. A nil login calls it as it is.
func (l *login) run(ctx context.Context, cc *grpc.ClientConn, rpc func(context.Context, *grpc.ClientConn) error) error {
	if l == nil {
		return rpc(ctx, cc)
	}
	l.mu.Lock()
	token := l.token
	l.mu.Unlock()

	err := rpc(withToken(ctx, token), cc)
	if !isAuth(err) || isDenied(err) && token != "" {
		return err
	}
	fresh, lerr := l.renew(ctx, cc, token)
	if lerr != nil {
		return lerr
	}
	return rpc(withToken(ctx, fresh), cc)
}

// renew gets a token in place of old, unless another call has already.
func (l *login) renew(ctx context.Context, cc *grpc.ClientConn, old string) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.token != old {
		return l.token, nil
	}
	if l.wrong != nil && l.now().Sub(l.since) < loginRest {
		return "", l.wrong
	}
	password, err := os.ReadFile(l.ref.PasswordFile)
	if err != nil {
		return "", &loginError{fmt.Errorf("password of user %q: %w", l.ref.Username, err)}
	}
	resp, err := pb.NewAuthClient(cc).Authenticate(ctx, &pb.AuthenticateRequest{
		Name: l.ref.Username, Password: strings.TrimRight(string(password), "\r\n"),
	})
	switch {
	case errors.Is(rpctypes.Error(err), rpctypes.ErrAuthFailed):
		l.wrong, l.since = &loginError{err}, l.now()
		return "", l.wrong
	case err != nil:
		return "", err
	}
	l.token, l.wrong = resp.GetToken(), nil
	return l.token, nil
}

func withToken(ctx context.Context, token string) context.Context {
	if token == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, rpctypes.TokenFieldNameGRPC, token)
}
