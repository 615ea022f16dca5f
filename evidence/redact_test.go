package evidence_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/evidence"
)

const pem = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIDdjU1dFcVdFcWV3cXdlcXdlcXdlcXdl
-----END PRIVATE KEY-----
`

// A secret is found in every spelling in which programs print it.
func TestRedactExact(t *testing.T) {
	secret := `pa"ss/w+ord é&`
	r := evidence.NewRedactor([]string{secret + "\n", "abc", "", pem})
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"login with " + secret + " refused",
		fmt.Sprintf("login with %q refused", secret),
		"body " + string(quoted),
		"GET /?p=" + url.QueryEscape(secret),
		"GET /" + url.PathEscape(secret),
		"b64 " + base64.StdEncoding.EncodeToString([]byte(secret)),
		"b64 " + base64.RawURLEncoding.EncodeToString([]byte(secret)) + ".",
		"a line of a key: MC4CAQAwBQYDK2VwBCIEIDdjU1dFcVdFcWV3cXdlcXdlcXdlcXdl",
	} {
		got := r.String(text)
		if !strings.Contains(got, "[redacted]") || strings.Contains(got, "pa") && strings.Contains(got, "ord") || strings.Contains(got, "MC4CA") {
			t.Errorf("%q became %q", text, got)
		}
	}
	if got := r.String("abc is too short to be hidden"); got != "abc is too short to be hidden" {
		t.Errorf("%q", got)
	}
}

// What looks like a secret goes, and what it was stays readable.
func TestRedactByLooks(t *testing.T) {
	r := evidence.NewRedactor(nil)
	for _, tc := range []struct{ text, want string }{
		{"Authorization: Bearer abc.def-123", "Authorization: [redacted]"},
		{`curl -H "authorization: Basic dXNlcjpwYXNz" x`, `curl -H "authorization: [redacted]" x`},
		{"got a bearer abcdefgh1234 from it", "got a bearer [redacted] from it"},
		{"password=hunter2 user=bob", "password=[redacted] user=bob"},
		{`{"db_password": "a \"b\" c", "user": "bob"}`, `{"db_password": [redacted], "user": "bob"}`},
		{"MYSQL_PWD=hunter2; API-KEY: 'x y z'", "MYSQL_PWD=[redacted]; API-KEY: [redacted]"},
		{"mysql --password hunter2 -u bob", "mysql --password [redacted] -u bob"},
		{"etcd://bob:hunter2@10.0.0.1:2379/x", "etcd://bob:[redacted]@10.0.0.1:2379/x"},
		{"key AKIAIOSFODNN7EXAMPLE.", "key [redacted]."},
		{"ghp_0123456789abcdefghijABCDEFGHIJ012345", "[redacted]"},
		{"jwt eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl!", "jwt [redacted]!"},
		{"before\n" + pem + "after", "before\n-----BEGIN PRIVATE KEY-----[redacted]\nafter"},
		{"cut -----BEGIN RSA PRIVATE KEY-----\nMIIE", "cut -----BEGIN RSA PRIVATE KEY-----[redacted]"},
		{"PRIVATE+KEY+h/fettle/x+0123abcd+AAAA", "PRIVATE+KEY+[redacted]"},
		// And nothing else does.
		{"exit status 3: no such member m2", "exit status 3: no such member m2"},
		{"token expired, the password was refused", "token expired, the password was refused"},
		{"https://10.0.0.1:2379/health?serializable=true", "https://10.0.0.1:2379/health?serializable=true"},
	} {
		if got := r.String(tc.text); got != tc.want {
			t.Errorf("%q\n got %q\nwant %q", tc.text, got, tc.want)
		}
	}
}
