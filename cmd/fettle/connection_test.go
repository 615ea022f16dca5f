package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/fettle-io/fettle/api"
)

// Root may connect to any socket, so what others are told is tried on the error
// itself.
func TestExplained(t *testing.T) {
	dial := func(errno syscall.Errno) error {
		return fmt.Errorf("ask the server: %w", &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", errno)})
	}
	for _, tc := range []struct {
		address, token string
		err            error
		want           string
	}{
		{"unix:///run/f.sock", "", dial(syscall.EACCES), "/run/f.sock is for fettle's own user and root (mode 0600): run this as that user (sudo -u fettle fettle …), or give --server="},
		{"unix:/run/f.sock", "", dial(syscall.ENOENT), "there is no socket /run/f.sock: fettle serve is not running"},
		{"unix:/run/f.sock", "", dial(syscall.ECONNREFUSED), "nobody listens on /run/f.sock any more"},
		{"http://h:9774", "", dial(syscall.ECONNREFUSED), "nobody listens at http://h:9774"},
		{"http://h:9774", "", dial(syscall.ETIMEDOUT), "http://h:9774: ask the server: "},
		{"http://h:9774", "", &api.Error{Status: http.StatusUnauthorized, Message: "who"}, "http://h:9774 wants to know who asks"},
		{"http://h:9774", "t", &api.Error{Status: http.StatusUnauthorized, Message: "who"}, "does not take the token in t"},
		{"unix:/run/f.sock", "", &api.Error{Status: http.StatusForbidden, Message: "the unix socket is for its owner"}, "not allowed by unix:/run/f.sock: the unix socket is for its owner"},
		{"http://h:9774", "", &api.Error{Status: http.StatusNotFound, Message: `no run "x"`}, `no run "x"`},
		{"http://h:9774", "", context.Canceled, "interrupted"},
	} {
		c := &caller{address: tc.address, who: credentials{tokenFile: tc.token}}
		got := c.explained(tc.err)
		if got == nil || !strings.Contains(got.Error(), tc.want) {
			t.Errorf("%s, %v:\ngot  %v\nwant %s", tc.address, tc.err, got, tc.want)
		}
		var refused *api.Error
		if errors.As(tc.err, &refused) && !errors.As(got, &refused) {
			t.Errorf("%v: the server's answer is lost", tc.err)
		}
	}
}
