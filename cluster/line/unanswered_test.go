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
	"github.com/fettle-io/fettle/internal/servertest"
)

// What net/http tells only in words has its reason all the same.
func TestHTTPThatIsNotAnswered(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	long := servertest.Listen(t, func(c net.Conn) {
		_, _ = c.Write(append([]byte("HTTP/1.1 200 OK\r\nX: "), bytes.Repeat([]byte("x"), 1<<20)...)) // until the client hangs up
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for url, want := range map[string]string{
		"https://" + plain.Listener.Addr().String(): cluster.BadTLS,
		"http://" + long: cluster.TooLarge,
	} {
		if _, err := asker(t, url, cluster.TLS{}, nil).Get(ctx, "/"); Reason(err) != want {
			t.Errorf("%s: %v (%s), want %s", url, err, Reason(err), want)
		}
	}
}
