package servertest

import (
	"context"
	"net"
	"testing"
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

// FreePorts are n ports of 127.0.0.1 on which nobody listens.
func FreePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // not before all are known: each is another one
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
