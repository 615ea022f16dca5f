//go:build servers && linux

package probe

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/certtest"
	"github.com/fettle-io/fettle/internal/etcdproc"
	"github.com/fettle-io/fettle/internal/programs"
	"github.com/fettle-io/fettle/internal/servertest"
)

// awaited makes the probe until it ends for this reason.
func awaited(t *testing.T, p Probe, want string) Result {
	t.Helper()
	p.Timeout = 5 * time.Second
	made, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		got := made.Do(t.Context())
		if got.Reason == want {
			return got
		}
		if time.Now().After(end) {
			t.Fatalf("reason %q (%s), want %q", got.Reason, got.Why, want)
		}
	}
}

// daemon runs a program until the test ends.
func daemon(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

// A real name server: dnsmasq.
func TestDNSOfDnsmasq(t *testing.T) {
	port := servertest.FreePort(t)
	hosts := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(hosts, []byte("10.0.0.1 two.test\n10.0.0.2 two.test\nfd00::1 two.test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{
		"--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--no-resolv", "--no-hosts", "--addn-hosts=" + hosts,
		"--listen-address=127.0.0.1", "--bind-interfaces", fmt.Sprint("--port=", port), "--local=/test/", "--cname=alias.test,two.test",
		"--srv-host=_ldap._tcp.test,two.test,389,5,7", "--mx-host=test,mail.test,10", "--txt-record=txt.test,v=spf1 -all",
	}
	for i := range 12 {
		args = append(args, fmt.Sprintf("--txt-record=large.test,%d%s", i, strings.Repeat("x", 200)))
	}
	daemon(t, "/usr/sbin/dnsmasq", args...)
	at := func(o DNSOptions) Probe { return Probe{Kind: DNS, Target: fmt.Sprint("127.0.0.1:", port), DNS: o} }
	awaited(t, at(DNSOptions{Name: "two.test", Want: []string{"10.0.0.2", "10.0.0.1"}}), "")
	for name, tc := range map[string]struct {
		o       DNSOptions
		want    string
		records int
	}{
		"AAAA":              {DNSOptions{Name: "two.test", Type: "AAAA", Want: []string{"fd00:0::1"}}, "", 1},
		"an alias":          {DNSOptions{Name: "alias.test", Want: []string{"10.0.0.1", "10.0.0.2"}}, "", 2},
		"CNAME":             {DNSOptions{Name: "ALIAS.test", Type: "CNAME", Want: []string{"two.test"}}, "", 1},
		"SRV":               {DNSOptions{Name: "_ldap._tcp.test", Type: "SRV", Want: []string{"5 7 389 two.test"}}, "", 1},
		"MX":                {DNSOptions{Name: "test", Type: "MX", Want: []string{"10 mail.test"}}, "", 1},
		"TXT":               {DNSOptions{Name: "txt.test", Type: "TXT", Want: []string{"v=spf1 -all"}}, "", 1},
		"truncated":         {DNSOptions{Name: "large.test", Type: "TXT"}, "", 12},
		"over TCP":          {DNSOptions{Name: "two.test", TCP: true}, "", 2},
		"no such name":      {DNSOptions{Name: "none.test"}, BadStatus, 0},
		"as wanted":         {DNSOptions{Name: "none.test", NXDomain: true}, "", 0},
		"refused":           {DNSOptions{Name: "elsewhere.example"}, BadStatus, -1},
		"one holder is new": {DNSOptions{Name: "two.test", Want: []string{"10.0.0.3"}}, BadContent, 2},
	} {
		t.Run(name, func(t *testing.T) {
			if got := once(t, at(tc.o), tc.want); got.Records != tc.records {
				t.Errorf("%d records, want %d (%s)", got.Records, tc.records, got.Why)
			}
		})
	}
}

// A real web server with a certificate that has expired, and one that nobody signed.
func TestHTTPOfNginx(t *testing.T) {
	ours, dir := certtest.New(t, "ours"), t.TempDir()
	var servers strings.Builder
	ports := map[string]int{}
	for name, valid := range map[string]time.Duration{"good": 12 * time.Hour, "expired": -time.Hour} {
		ports[name] = servertest.FreePort(t)
		kept := filepath.Join(dir, name)
		if err := os.Mkdir(kept, 0o755); err != nil {
			t.Fatal(err)
		}
		pair := ours.Issue(kept, valid, "127.0.0.1")
		fmt.Fprintf(&servers, "server { listen 127.0.0.1:%d ssl; ssl_certificate %s; ssl_certificate_key %s; location / { return 200 'all is well'; } }\n",
			ports[name], pair.CertFile, pair.KeyFile)
	}
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf("daemon off; master_process off; pid %s/pid; error_log stderr; events {}\nhttp { access_log off; client_body_temp_path %[1]s; proxy_temp_path %[1]s; fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;\n%s}\n", dir, servers.String())
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	daemon(t, "/usr/sbin/nginx", "-c", conf)
	site := func(name string, ca string) Probe {
		return Probe{Kind: HTTP, Target: fmt.Sprintf("https://127.0.0.1:%d/", ports[name]), TLS: cluster.TLS{CAFile: ca}, HTTP: HTTPOptions{Match: "^all is well$"}}
	}
	expiresIn(t, awaited(t, site("good", ours.File), ""), 12*time.Hour)
	expiresIn(t, once(t, site("good", ""), cluster.BadTLS), 12*time.Hour)
	got := once(t, site("expired", ours.File), cluster.BadTLS)
	expiresIn(t, got, -time.Hour)
	if !strings.Contains(got.Why, "expired") {
		t.Errorf("tells %q", got.Why)
	}
}

// A real health service: etcd's. Stopped, it does not answer; killed, nobody does.
func TestGRPCOfEtcd(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // may build etcd
	defer cancel()
	etcd, err := programs.Find(ctx, "etcd", programs.Options{Progress: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	c, err := etcdproc.Start(ctx, etcd.Path, t.TempDir(), []string{"m1"}, etcdproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	p := Probe{Kind: GRPC, Target: strings.TrimPrefix(c.Specs()[0].Client, "http://")}
	awaited(t, p, "")
	if err := c.Hang(ctx, "m1"); err != nil {
		t.Fatal(err)
	}
	p.Timeout = 500 * time.Millisecond
	once(t, p, cluster.Timeout)
	if err := c.Kill("m1"); err != nil {
		t.Fatal(err)
	}
	p.Timeout = 0 // as long as it takes
	once(t, p, cluster.Refused)
}
