package app

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/fettle-io/fettle/cluster"
)

// What the configuration says of credentials reaches the server, from files.
func TestRemoteCredentials(t *testing.T) {
	var got *http.Request
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }))
	t.Cleanup(srv.Close)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		login cluster.Login
		token string
		want  string
	}{
		{"nothing", cluster.Login{}, "", ""},
		{"token", cluster.Login{}, secret, "Bearer hush"},
		{"basic", cluster.Login{Username: "me", PasswordFile: secret}, "", "Basic bWU6aHVzaA=="},
	} {
		rt, err := remote("prometheus", tc.login, tc.token, cluster.TLS{})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if h := got.Header.Get("Authorization"); h != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, h, tc.want)
		}
	}
	if _, err := remote("prometheus", cluster.Login{}, "", cluster.TLS{CAFile: "/nowhere"}); err == nil {
		t.Error("a CA file that is not there was taken")
	}
}

// The brake file is a pause that people can see.
func TestBrakeIsSeen(t *testing.T) {
	a := start(t, plain)
	if err := os.WriteFile(filepath.Join(filepath.Dir(a.o.ConfigFile), "pause"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, body := post(t, a, firing); code != http.StatusOK { // any event has it looked at
		t.Fatal(code, body)
	}
	s, err := backend{a}.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Pauses) != 1 || s.Pauses[0].ID != "brake" {
		t.Errorf("pauses %+v", s.Pauses)
	}
}
