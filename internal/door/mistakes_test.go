package door_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/certtest"
	"github.com/fettle-io/fettle/internal/door"
)

// What is told of a web configuration that is not in order: where, what, and what to do.
func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	ca := certtest.New(t, "ca")
	ca.Issue(dir, time.Hour, "127.0.0.1")
	other := filepath.Join(dir, "other")
	if err := os.Mkdir(other, 0o700); err != nil {
		t.Fatal(err)
	}
	p := ca.Issue(other, time.Hour, "127.0.0.1")
	if err := os.Rename(p.KeyFile, filepath.Join(dir, "others.pem")); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"open.pem": 0o644, "empty.pem": 0o600} {
		write(t, filepath.Join(dir, name), "nothing\n")
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	const tls = "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n"
	for name, tc := range map[string]struct{ in, want string }{
		"misspelt":          {"tls_sever_config: {}\n", `1:1: unknown key "tls_sever_config" at the top level; did you mean "tls_server_config"?`},
		"no key":            {"tls_server_config: {cert_file: cert.pem}\n", `1:20: tls_server_config has no key_file: TLS needs cert_file and key_file`},
		"no certificate":    {"tls_server_config: {key_file: key.pem}\n", `1:20: tls_server_config has no cert_file: TLS needs cert_file and key_file`},
		"missing":           {"tls_server_config:\n  cert_file: cert.pm\n  key_file: key.pem\n", `2:14: cert_file: open DIR/cert.pm: no such file or directory`},
		"both":              {tls + "  cert: x\n", `4:9: both cert and cert_file are given: keep cert_file`},
		"another's key":     {"tls_server_config:\n  cert_file: cert.pem\n  key_file: others.pem\n", `2:14: certificate and key do not go together: private key does not match public key`},
		"no PEM":            {"tls_server_config:\n  cert_file: empty.pem\n  key_file: key.pem\n", `2:14: certificate and key do not go together: failed to find any PEM data in certificate input`},
		"key for everybody": {"tls_server_config:\n  cert_file: cert.pem\n  key_file: open.pem\n", `3:13: the key in DIR/open.pem can be read by everybody (mode 0644): chmod o-r DIR/open.pem`},
		"authority without a policy": {tls + "  client_ca_file: cert.pem\n",
			`2:3: client certificates are not verified with client_auth_type "": write RequireAndVerifyClientCert, or VerifyClientCertIfGiven`},
		"authority that is none": {tls + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: empty.pem\n",
			`5:19: "DIR/empty.pem" has no certificate in PEM form: nobody could come in`},
		"policy without an authority": {tls + "  client_auth_type: VerifyClientCertIfGiven\n",
			`4:21: client_auth_type VerifyClientCertIfGiven needs client_ca_file: by which authority are the certificates signed?`},
		"names that nobody verified": {tls + "  client_auth_type: RequireAnyClientCert\n  client_allowed_sans: [a]\n",
			`5:24: client_allowed_sans proves nothing where the certificates are not verified: write client_auth_type: RequireAndVerifyClientCert, and client_ca_file`},
		"policy": {tls + "  client_auth_type: RequireVerify\n",
			`4:21: unknown client_auth_type "RequireVerify"; known here: NoClientCert, RequestClientCert, RequireAndVerifyClientCert, RequireAnyClientCert, RequireClientCert, VerifyClientCertIfGiven`},
		"old TLS":    {tls + "  min_version: TLS11\n", `4:16: TLS11 is broken and not spoken here: write TLS12 or TLS13`},
		"TLS":        {tls + "  max_version: TLS14\n", `4:16: unknown max_version "TLS14"; did you mean "TLS12"?`},
		"suite":      {tls + "  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]\n", `4:19: "TLS_RSA_WITH_RC4_128_SHA" is no cipher suite that is still good: leave cipher_suites out, the defaults are`},
		"curve":      {tls + "  curve_preferences: [P-1]\n", `4:23: "P-1" is no curve that is known here: leave curve_preferences out, the defaults are good`},
		"header":     {"http_server_config: {headers: {Server: x}}\n", `1:32: header "Server" cannot be set; known here: Content-Security-Policy, Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options, X-XSS-Protection`},
		"rate limit": {"rate_limit: {burst: 1, interval: 1s}\n", `1:13: rate_limit is not taken: it answers 429, and Alertmanager drops what is answered so. Leave it out, the number of connections and scrapes is bounded anyway`},
		"password":   {"basic_auth_users:\n  alice: secret\n", "2:10: the password of \"alice\" is no bcrypt hash: make one with `htpasswd -nBC 10 \"alice\"`, and write what follows the colon"},
		"cost":       {"basic_auth_users:\n  alice: $2y$31$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi\n", `2:10: the hash of "alice" has the cost 31, and each try would take seconds: 10 to 12 is right, 14 the most`},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, "web.yml")
			write(t, file, tc.in)
			_, err := door.Open(door.Options{File: file, Log: slog.New(slog.DiscardHandler)})
			if err == nil {
				t.Fatal("taken")
			}
			got := strings.ReplaceAll(strings.TrimPrefix(err.Error(), file+":"), dir, "DIR")
			if got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			if strings.Contains(got, "secret") {
				t.Error("the password is shown")
			}
		})
	}
}
