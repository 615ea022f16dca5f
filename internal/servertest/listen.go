package servertest

import (
	"context"
	"fmt"
	"net"
	"testing"

	"github.com/fettle-io/fettle/internal/port"
)

// Listen is the address on 127.0.0.1 of what is no real server: it does with each
// connection what serve does, and hangs up behind it. The test's end hangs up on all.
func Listen(t testing.TB, serve func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() {
		_ = l.Close()
		<-ended
	})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				defer context.AfterFunc(t.Context(), func() { _ = c.Close() })()
				serve(c)
			}()
		}
	}()
	return l.Addr().String()
}

// FreePort is one of 127.0.0.1 on which nobody listens, by TCP or UDP, and which is
// nobody else's: see port.Free.
func FreePort(t testing.TB) int {
	t.Helper()
	list, err := port.Free(1)
	if err != nil {
		t.Fatal(err)
	}
	return list[0]
}

// FreeAddress is FreePort as 127.0.0.1:PORT.
func FreeAddress(t testing.TB) string {
	t.Helper()
	return fmt.Sprint("127.0.0.1:", FreePort(t))
}
