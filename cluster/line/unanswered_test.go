package line

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// What net/http tells only in words has its reason all the same.
func TestHTTPThatIsNotAnswered(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write(append([]byte("HTTP/1.1 200 OK\r\nX: "), bytes.Repeat([]byte("x"), 1<<20)...)) // until the client hangs up
			_ = c.Close()
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for url, want := range map[string]string{
		"https://" + plain.Listener.Addr().String(): cluster.BadTLS,
		"http://" + l.Addr().String():               cluster.TooLarge,
	} {
		if _, err := asker(t, url, cluster.TLS{}, nil).Get(ctx, "/"); Reason(err) != want {
			t.Errorf("%s: %v (%s), want %s", url, err, Reason(err), want)
		}
	}
}
