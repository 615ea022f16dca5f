package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/fettle-io/fettle/internal/certtest"
)

// over asks a process over a connection of its own.
func (p *process) over(t *testing.T, conf *tls.Config, method, path string, set ...func(*http.Request)) (int, http.Header, string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	base := p.url
	if conf != nil {
		base = strings.Replace(base, "http:", "https:", 1)
	}
	r, err := http.NewRequestWithContext(ctx, method, base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range set {
		f(r)
	}
	transport := &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true}
	answer, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return 0, nil, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header, string(body), err
}

// The binary with TLS, client certificates and users: who comes in, a renewed
// certificate without a restart, and a reload that is not in order.
func TestDoors(t *testing.T) {
	ca, other, dir := certtest.New(t, "ca"), certtest.New(t, "other"), t.TempDir()
	ca.Issue(dir, time.Hour, "127.0.0.1")
	client := ca.Issue(t.TempDir(), time.Hour, "prometheus.example")
	webFile, config := filepath.Join(dir, "web.yml"), configFile(t, "{}\n")
	// The password is "correct horse", its hash as cheap as bcrypt allows.
	good := fmt.Sprintf(`tls_server_config: {cert_file: cert.pem, key_file: key.pem, client_auth_type: RequireAndVerifyClientCert, client_ca_file: %s, client_allowed_sans: [prometheus.example]}
basic_auth_users: {prometheus: $2a$04$Ga3bkRr7xouS5yvZltvjIuHQv930C3i7VRfzSYXs2Kjc8/xWV8uiS}
http_server_config: {headers: {Strict-Transport-Security: max-age=60}}
`, ca.File)
	write(t, webFile, good)
	p := start(t, "--config.file="+config, "--web.config.file="+webFile, "--collector.disable-defaults", "--collector.load")
	right := &tls.Config{RootCAs: ca.Pool, Certificates: []tls.Certificate{client.TLS}}
	login := func(r *http.Request) { r.SetBasicAuth("prometheus", "correct horse") }
	for path, want := range map[string]int{"/metrics": 200, "/": 200, "/-/healthy": 200, "/-/ready": 200, "/nothing": 404, "/-/reload": 405, "/probe?target=nothing": 400} {
		status, header, body, err := p.over(t, right, http.MethodGet, path, login)
		if err != nil || status != want || header.Get("Strict-Transport-Security") != "max-age=60" {
			t.Errorf("%s: %d %v %s (%v)", path, status, header, body, err)
		}
		// Without the password, nothing; not even whether there is such a path.
		if status, _, body, err := p.over(t, right, http.MethodGet, path); err != nil || status != 401 || body != "no name and password\n" {
			t.Errorf("%s without a password: %d %s (%v)", path, status, body, err)
		}
	}
	for name, conf := range map[string]*tls.Config{
		"no certificate": {RootCAs: ca.Pool},
		"another name":   {RootCAs: ca.Pool, Certificates: []tls.Certificate{ca.Issue(t.TempDir(), time.Hour, "x.example").TLS}},
		"expired":        {RootCAs: ca.Pool, Certificates: []tls.Certificate{ca.Issue(t.TempDir(), -time.Minute, "prometheus.example").TLS}},
		"TLS 1.1":        {RootCAs: ca.Pool, Certificates: right.Certificates, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		"wrong CA":       {RootCAs: other.Pool, Certificates: right.Certificates},
	} {
		if status, _, body, err := p.over(t, conf, http.MethodGet, "/metrics", login); err == nil {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	if status, _, body, err := p.over(t, right, http.MethodPost, "/-/reload", login, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }); err != nil || status != 403 {
		t.Errorf("a reload by a page elsewhere: %d %s (%v)", status, body, err)
	}

	serial := func() string {
		status, _, body, err := p.over(t, right, http.MethodGet, "/metrics", login)
		if err != nil || status != 200 {
			t.Fatalf("%d %s (%v)", status, body, err)
		}
		return regexp.MustCompile(`(?m)^fettle_config_web_certificate_expiry_timestamp_seconds (\S+)`).FindString(body) +
			regexp.MustCompile(`(?m)^fettle_config_last_reload_successful (\d)`).FindString(body) + regexp.MustCompile(`(?m)^fettle_config_web_last_reload_successful (\d)`).FindString(body)
	}
	await := func(what string, ok func(now string) bool) {
		t.Helper()
		for end := time.Now().Add(limit); !ok(serial()); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: %s\n%s", what, serial(), p.log())
			}
		}
	}
	first := serial()
	ca.Issue(dir, 48*time.Hour, "127.0.0.1")
	await("a renewed certificate", func(now string) bool { return now != first && strings.HasSuffix(now, "web_last_reload_successful 1") })
	write(t, webFile, "tls_server_config: {cert_file: cert.pem}\n")
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	await("a bad reload", func(now string) bool {
		return strings.Contains(now, "fettle_config_last_reload_successful 0") && strings.Contains(now, "web_last_reload_successful 0")
	})
	_, _, landing, err := p.over(t, right, http.MethodGet, "/", login)
	if err != nil || !strings.Contains(landing, "the last reload was not taken") {
		t.Errorf("%s (%v)", landing, err)
	}
	write(t, webFile, good)
	if status, _, body, err := p.over(t, right, http.MethodPost, "/-/reload", login); err != nil || status != 200 {
		t.Errorf("%d %s (%v)", status, body, err)
	}
	await("a good reload", func(now string) bool { return !strings.Contains(now, "successful 0") })
	p.stop(t)
}

// The page links what there is, and no script could run on it.
func TestLanding(t *testing.T) {
	p := start(t, "--web.telemetry-path=/own/{path}", "--config.file="+configFile(t, `clusters:
  - name: demo
    kind: etcd
    members:
      - {name: m1, endpoint: "http://127.0.0.1:1"}
`))
	status, header, body, err := p.over(t, nil, http.MethodGet, "/")
	if err != nil || status != http.StatusOK {
		t.Fatalf("%d (%v)", status, err)
	}
	if policy := header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") {
		t.Errorf("policy %q", policy)
	}
	for _, want := range []string{`href="/own/%7bpath%7d"`, `href="/-/healthy"`, `href="/-/ready"`, `<li><a href="/probe?target=demo">demo</a> (etcd), m1</li>`, "Collectors: cpu, ", "docs/metrics.md"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	for _, no := range []string{"<script", "onclick", "javascript:"} {
		if strings.Contains(body, no) {
			t.Errorf("%s in\n%s", no, body)
		}
	}
	for _, found := range regexp.MustCompile(`href="(/[^"]*)"`).FindAllStringSubmatch(body, -1) {
		if status, _, body, err := p.over(t, nil, http.MethodGet, found[1]); err != nil || status != http.StatusOK {
			t.Errorf("%s leads to %d %s (%v)", found[1], status, body, err)
		}
	}
	p.stop(t)
}

// Sockets that systemd hands over, and addresses that cannot be listened on.
func TestListen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for args, want := range map[string]string{
		"--web.listen-address=" + taken.Addr().String():                  "address already in use",
		"--web.listen-address=vsock://:9773":                             "an address is HOST:PORT or :PORT",
		"--web.systemd-socket":                                           "systemd handed over no socket",
		"--web.config.file=" + filepath.Join(t.TempDir(), "missing.yml"): "no such file or directory",
	} {
		f, err := parse([]string{args, "--config.file=" + configFile(t, "{}\n")})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(args, "web.config") {
			_, err = newServer(f, promslog.NewNopLogger())
		} else {
			_, err = listen(t.Context(), f)
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), strings.SplitN(args, "=", 2)[0]) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}
