package main

import (
	"bufio"
	"encoding/base64"
	bigendian "encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// parrot is a TCP server that answers with what answer makes of what it was sent: none
// that is meant, and each says a password that it is told.
func parrot(t *testing.T, answer func(c net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(limit))
				answer(c)
			}()
		}
	}()
	return l.Addr().String()
}

// echo sends back all that it is sent.
func echo(c net.Conn) { _, _ = io.Copy(c, c) }

// refuse answers each line as Redis does what it does not know: with the line.
func refuse(c net.Conn) {
	for lines := bufio.NewScanner(c); lines.Scan(); {
		fmt.Fprintf(c, "-ERR unknown command, with args beginning with: %s\r\n", lines.Text())
	}
}

// cleartext asks for the password in the words of PostgreSQL, and refuses it with it.
func cleartext(c net.Conn) {
	message := func(kind byte, body string) {
		_, _ = c.Write(append(bigendian.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)+4)), body...))
	}
	buffer := make([]byte, 4096)
	if _, err := c.Read(buffer); err != nil {
		return
	}
	message('R', "\x00\x00\x00\x03")
	n, err := c.Read(buffer)
	if err != nil {
		return
	}
	said := strings.Map(func(r rune) rune {
		if r < ' ' {
			return '.'
		}
		return r
	}, string(buffer[:n]))
	message('E', "SFATAL\x00C28P01\x00Mpassword authentication failed: "+said+"\x00\x00")
}

// secretConfig is an exporter.yml with every section that takes a secret. Each has one of
// its own, in a file.
func secretConfig(t *testing.T, dir string) (config string, secrets []string) {
	t.Helper()
	secret := func() (file, text string) {
		text = fmt.Sprintf("canary-%d-4f1c9b", len(secrets))
		secrets = append(secrets, text)
		file = filepath.Join(dir, fmt.Sprintf("secret%d", len(secrets)))
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return file, text
	}
	mirror := func() string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
			w.Header().Set("X-Said", r.Header.Get("Authorization"))
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, "%s %s\n%v\n%s", r.Method, r.URL, r.Header, body)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	redis, postgres, other := parrot(t, refuse), parrot(t, cleartext), parrot(t, echo)

	var yml strings.Builder
	yml.WriteString("clusters:\n")
	for i, entry := range []struct{ kind, endpoint, login string }{
		{"etcd", mirror(), "username: u, "}, {"consul", mirror(), ""}, {"nats", mirror(), "username: u, "}, {"nginx", mirror() + "/status", "username: u, "},
		{"redis", "redis://" + redis, "username: u, "}, {"redis", "redis://" + other, ""}, {"postgres", "postgres://" + postgres, "username: u, "},
		{"postgres", "postgres://" + other, "username: u, "}, {"mysql", "mysql://" + other, "username: u, "}, {"mongodb", "mongodb://" + other, "username: u, "},
		{"kafka", "kafka://" + other, "username: u, "}, {"zookeeper", "zookeeper://" + other, "username: u, "}, {"haproxy", "tcp://" + other, "username: u, "},
		{"etcd", "http://127.0.0.1:1", "username: u, "}, {"service", "tcp://" + other, "username: u, "},
	} {
		file, _ := secret()
		tls := ""
		if entry.kind == "kafka" { // whose passwords go over TLS only
			tls = ", tls: {enabled: true}"
		}
		fmt.Fprintf(&yml, "- {name: c%d, kind: %s, read: {%spassword_file: %s}%s, members: [{name: m, host: localhost, endpoint: %q}]}\n", i, entry.kind, entry.login, file, tls, entry.endpoint)
	}
	private, text := secret()
	config = filepath.Join(dir, "app.conf")
	if err := os.WriteFile(config, []byte("password = "+text+"\n"), 0o640); err != nil { //nolint:gosec // group too, as such files are
		t.Fatal(err)
	}
	key, _ := secret()
	header, _ := secret()
	fmt.Fprintf(&yml, `values:
- {name: whole, cluster: c0, file: %[1]s, same: true}
- {name: key, cluster: c0, file: %[1]s, key: password, equals: other}
- {name: size, cluster: c0, file: %[1]s, key: password, at_most: 1}
- {name: sum, cluster: c0, file: %[2]s, sha256: %[3]s}
digest_key_file: %[4]s
backups:
- {name: report, report: %[2]s, every: 1h}
- {name: broken, report: %[1]s, every: 1h}
probes:
- {name: web, kind: http, target: %[5]q, http: {header_files: {Authorization: %[6]s}}}
clocks: {compare: true, port: 1, read: {username: u, password_file: %[2]s}}
`, config, private, strings.Repeat("0", 64), key, mirror(), header)
	path := filepath.Join(dir, "exporter.yml")
	if err := os.WriteFile(path, []byte(yml.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, secrets
}

// No secret that the exporter is told is in anything that it says: metrics in each format,
// pages, answers, errors and the log, whatever the servers make of it.
func TestSecretsStayOut(t *testing.T) {
	dir := t.TempDir()
	config, secrets := secretConfig(t, dir)
	const hash = "$2a$04$Ga3bkRr7xouS5yvZltvjIuHQv930C3i7VRfzSYXs2Kjc8/xWV8uiS" // of "correct horse"
	web := filepath.Join(dir, "web.yml")
	write(t, web, "basic_auth_users: {prometheus: "+hash+"}\n")
	p := start(t, "--config.file="+config, "--web.config.file="+web, "--log.level=debug", "--host.name=localhost")
	login := func(r *http.Request) { r.SetBasicAuth("prometheus", "correct horse") }
	var said strings.Builder
	ask := func(method, path string, set ...func(*http.Request)) string {
		t.Helper()
		status, header, body, err := p.over(t, nil, method, path, append(set, login)...)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&said, "%s %s: %d %v\n%s\n", method, path, status, header, body)
		return body
	}
	for range 3 { // drivers ask with what they learnt the last time
		ask(http.MethodGet, "/metrics")
	}
	metrics := ask(http.MethodGet, "/metrics", func(r *http.Request) { r.Header.Set("Accept", "application/openmetrics-text") })
	for _, want := range []string{"fettle_member_failure{", `fettle_config_value_read{check="whole"`, `fettle_backup_read{backup="broken"`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s", want)
		}
	}
	ask(http.MethodGet, "/")
	ask(http.MethodGet, "/-/ready")
	ask(http.MethodPost, "/-/reload")
	for name, mistake := range map[string]string{
		"a secret that is none": "clusters: [{name: a, kind: etcd, read: {username: u, password: " + secrets[0] + "}, members: [{name: m, endpoint: \"http://127.0.0.1:1\"}]}]\n",
		"one in an endpoint":    "clusters: [{name: a, kind: etcd, members: [{name: m, endpoint: \"http://u:" + secrets[0] + "@127.0.0.1:1\"}]}]\n",
		"a key that all read":   "digest_key_file: " + filepath.Join(dir, "open.key") + "\n",
		"a key that is short":   "digest_key_file: " + filepath.Join(dir, "short.key") + "\n",
	} {
		write(t, filepath.Join(dir, "open.key"), secrets[0])
		if err := os.Chmod(filepath.Join(dir, "open.key"), 0o644); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "short.key"), secrets[0][:9])
		write(t, config, mistake)
		if body := ask(http.MethodPost, "/-/reload"); !strings.Contains(body, "failed to reload") {
			t.Errorf("%s was taken: %s", name, body)
		}
	}
	p.stop(t)
	said.WriteString(p.log())
	secrets = append(secrets, hash, "correct horse", secrets[0][:9])
	for _, s := range secrets {
		for form, text := range map[string]string{
			"as it is": s, "in base64": base64.StdEncoding.EncodeToString([]byte(s)), "as a login": base64.StdEncoding.EncodeToString([]byte("u:" + s)),
		} {
			if i := strings.Index(said.String(), text); i >= 0 {
				t.Errorf("%s is told %s: …%s…", s, form, said.String()[max(0, i-300):min(said.Len(), i+len(text)+100)])
			}
		}
	}
}
