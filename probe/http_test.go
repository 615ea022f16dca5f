package probe

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/certtest"
	"github.com/fettle-io/fettle/internal/servertest"
)

func TestHTTP(t *testing.T) {
	const short = 300 * time.Millisecond
	site := web(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ok":
			_, _ = io.WriteString(w, "all is well")
		case "/host":
			_, _ = io.WriteString(w, r.Host+" "+r.Header.Get("X-Probe")+" "+r.UserAgent())
		case "/method":
			w.Header().Set("Allow", "HEAD")
			if r.Method != http.MethodHead {
				w.WriteHeader(http.StatusMethodNotAllowed)
			}
		case "/down":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/large":
			block := strings.Repeat("x", 64<<10)
			for range 1600 {
				if _, err := io.WriteString(w, block); err != nil {
					return
				}
			}
		case "/moved":
			http.Redirect(w, r, "/ok", http.StatusFound)
		case "/away":
			http.Redirect(w, r, "http://localhost.invalid/ok", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		}
	}, nil).URL
	for name, tc := range map[string]struct {
		target string
		o      HTTPOptions
		limit  time.Duration
		want   string
		status int
	}{
		"in order":                   {site + "/ok", HTTPOptions{}, 0, "", 200},
		"the body matches":           {site + "/ok", HTTPOptions{Match: "is w.ll$"}, 0, "", 200},
		"the body does not":          {site + "/ok", HTTPOptions{Match: "^$"}, 0, BadContent, 200},
		"the first of a large body":  {site + "/large", HTTPOptions{Match: "xxx"}, 0, "", 200},
		"too large a body":           {site + "/large", HTTPOptions{Match: "y"}, 0, cluster.TooLarge, 200},
		"a large body, not asked":    {site + "/large", HTTPOptions{}, 0, "", 200},
		"says no":                    {site + "/down", HTTPOptions{}, 0, BadStatus, 503},
		"says no, as it should":      {site + "/down", HTTPOptions{Status: []int{404, 503}}, 0, "", 503},
		"GET where HEAD is":          {site + "/method", HTTPOptions{}, 0, BadStatus, 405},
		"HEAD":                       {site + "/method", HTTPOptions{Method: "HEAD"}, 0, "", 200},
		"its own host and headers":   {site + "/host", HTTPOptions{Host: "shop.example", Headers: map[string]string{"X-Probe": "1"}, Match: "^shop.example 1 fettle_exporter$"}, 0, "", 200},
		"a redirect is an answer":    {site + "/moved", HTTPOptions{}, 0, BadStatus, 302},
		"a redirect that is wanted":  {site + "/moved", HTTPOptions{Status: []int{302}}, 0, "", 302},
		"a redirect is followed":     {site + "/moved", HTTPOptions{FollowRedirects: true, Match: "well"}, 0, "", 200},
		"a redirect elsewhere":       {site + "/away", HTTPOptions{FollowRedirects: true}, 0, BadStatus, 302},
		"redirects without an end":   {site + "/round", HTTPOptions{FollowRedirects: true}, 0, BadStatus, 302},
		"nobody there":               {"http://" + nobody(t), HTTPOptions{}, 0, cluster.Refused, 0},
		"another kind of server":     {"http://" + servertest.Listen(t, says("SSH-2.0-OpenSSH_9.2\r\n")), HTTPOptions{}, 0, cluster.BadProtocol, 0},
		"silent":                     {"http://" + servertest.Listen(t, says("")), HTTPOptions{}, short, cluster.Timeout, 0},
		"one byte at a time":         {"http://" + servertest.Listen(t, drips), HTTPOptions{}, short, cluster.Timeout, 0},
		"100 MB of headers":          {"http://" + servertest.Listen(t, floods("HTTP/1.1 200 OK\r\nA: ")), HTTPOptions{}, 0, cluster.TooLarge, 0},
		"announces for ever":         {"http://" + servertest.Listen(t, says(strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 9))), HTTPOptions{}, 0, cluster.BadProtocol, 0},
		"announces, then answers":    {"http://" + servertest.Listen(t, says("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 OK\r\n\r\n")), HTTPOptions{}, 0, "", 204},
		"goes without an answer":     {"http://" + servertest.Listen(t, func(net.Conn) {}), HTTPOptions{}, 0, Closed, 0},
		"a body that never ends":     {"http://" + servertest.Listen(t, says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfine")), HTTPOptions{Match: "fine!"}, short, cluster.Timeout, 200},
		"goes in the middle":         {"http://" + servertest.Listen(t, floods("HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")), HTTPOptions{Match: "y"}, 0, cluster.TooLarge, 200},
		"a header file that is gone": {site + "/ok", HTTPOptions{HeaderFiles: map[string]string{"Authorization": "/nowhere"}}, 0, cluster.Other, 0},
		"a header of two lines":      {site + "/ok", HTTPOptions{HeaderFiles: map[string]string{"Authorization": file(t, "a\nX-Evil: b\n")}}, 0, cluster.Other, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := once(t, Probe{Kind: HTTP, Target: tc.target, HTTP: tc.o, Timeout: tc.limit}, tc.want)
			if got.Status != tc.status {
				t.Errorf("status %d, want %d", got.Status, tc.status)
			}
		})
	}
}

func TestHTTPOverTLS(t *testing.T) {
	ours := certtest.New(t, "ours")
	well := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "all is well") }
	trust := cluster.TLS{CAFile: ours.File}
	good := once(t, Probe{Kind: HTTP, Target: web(t, well, certified(t, ours, 5*time.Hour)).URL, TLS: trust, HTTP: HTTPOptions{Match: "well"}}, "")
	if phases(good) != " connect tls wait read" || good.Status != http.StatusOK {
		t.Errorf("phases%s, status %d", phases(good), good.Status)
	}
	expiresIn(t, good, 5*time.Hour)
	// Nobody trusts it: when it expires is told all the same.
	expiresIn(t, once(t, Probe{Kind: HTTP, Target: web(t, well, certified(t, ours, 5*time.Hour)).URL}, cluster.BadTLS), 5*time.Hour)
	expiresIn(t, once(t, Probe{Kind: HTTP, Target: web(t, well, certified(t, ours, -time.Hour)).URL, TLS: trust}, cluster.BadTLS), -time.Hour)

	plain := strings.TrimPrefix(web(t, well, nil).URL, "http://")
	once(t, Probe{Kind: HTTP, Target: "https://" + plain}, cluster.BadTLS)

	wants := certified(t, ours, time.Hour)
	wants.ClientAuth, wants.ClientCAs = tls.RequireAndVerifyClientCert, ours.Pool
	site := web(t, well, wants).URL
	once(t, Probe{Kind: HTTP, Target: site, TLS: trust}, cluster.BadTLS)
	pair := ours.Issue(t.TempDir(), time.Hour, "probe")
	trust.CertFile, trust.KeyFile = pair.CertFile, pair.KeyFile
	once(t, Probe{Kind: HTTP, Target: site, TLS: trust}, "")
}

// A server that repeats the secret in what it says wrong cannot bring it into the log.
func TestHTTPHidesSecrets(t *testing.T) {
	const canary = `Bearer canary"5713`
	asked := make(chan string, 1)
	echo := web(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("Authorization")
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			defer conn.Close()
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n", r.Header.Get("Authorization"))
		}
	}, nil)
	got := once(t, Probe{Kind: HTTP, Target: echo.URL, HTTP: HTTPOptions{HeaderFiles: map[string]string{"Authorization": file(t, canary+"\n")}}}, cluster.BadProtocol)
	if sent := <-asked; sent != canary {
		t.Errorf("sent %q", sent)
	}
	if strings.Contains(got.Why, "canary") || !strings.Contains(got.Why, "…") {
		t.Errorf("tells %q", got.Why)
	}
}
