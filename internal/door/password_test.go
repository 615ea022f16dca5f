package door_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/fettle-io/fettle/internal/door"
)

// horse is the hash of "correct horse", as cheap as bcrypt allows.
const horse = "$2a$04$Ga3bkRr7xouS5yvZltvjIuHQv930C3i7VRfzSYXs2Kjc8/xWV8uiS"

func login(name, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(name, password) }
}

func TestPasswords(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.yml")
	write(t, file, "basic_auth_users: {alice: "+horse+"}\n")
	reg := prometheus.NewRegistry()
	d, err := door.Open(door.Options{File: file, Log: slog.New(slog.DiscardHandler), Registerer: reg})
	if err != nil {
		t.Fatal(err)
	}
	address := serve(t, d)
	status := func(set ...func(*http.Request)) int {
		t.Helper()
		code, _, err := get(t, nil, address, set...)
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	for range 2 { // what was found out once is the same again
		for name, tc := range map[string]struct {
			set  []func(*http.Request)
			want int
		}{
			"none":          {nil, 401},
			"right":         {[]func(*http.Request){login("alice", "correct horse")}, 200},
			"wrong":         {[]func(*http.Request){login("alice", "wrong")}, 401},
			"empty":         {[]func(*http.Request){login("alice", "")}, 401},
			"unknown":       {[]func(*http.Request){login("bob", "correct horse")}, 401},
			"the hash":      {[]func(*http.Request){login("alice", horse)}, 401},
			"moved a colon": {[]func(*http.Request){login("alice:correct", " horse")}, 401},
			"a token":       {[]func(*http.Request){func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }}, 401},
		} {
			if got := status(tc.set...); got != tc.want {
				t.Errorf("%s: %d, want %d", name, got, tc.want)
			}
		}
	}
	want := `# HELP fettle_config_web_passwords_total Passwords that had to be compared, by result: right, wrong, busy (too many were being compared).
# TYPE fettle_config_web_passwords_total counter
fettle_config_web_passwords_total{result="busy"} 0
fettle_config_web_passwords_total{result="right"} 1
fettle_config_web_passwords_total{result="wrong"} 10
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "fettle_config_web_passwords_total"); err != nil {
		t.Error(err)
	}

	// Another user instead of the one that is known, without a reload.
	write(t, file, "basic_auth_users: {bob: "+horse+"}\n")
	until(t, "the other user", func() bool { return status(login("bob", "correct horse")) == 200 })
	if got := status(login("alice", "correct horse")); got != 401 {
		t.Errorf("a user that is gone: %d", got)
	}
	// A file that is not in order keeps who is known, and lets in nobody else; least
	// of all one that is empty for a moment, as the toolkit then asks for nothing.
	for what, text := range map[string]string{"empty": "", "misspelt": "basic_auth_user: {}\n", "half": "basic_auth_users: {bob: $2a"} {
		write(t, file, "basic_auth_users: {bob: "+horse+"}\n")
		if err := d.Reload(); err != nil {
			t.Fatal(err)
		}
		if got := status(login("bob", "correct horse")); got != 200 {
			t.Fatalf("%s, before: %d", what, got)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, known := status(login("bob", "anything")), status(login("bob", "correct horse"))
		if what == "empty" { // no users any more: whoever wrote that gets it
			continue
		}
		if got != 503 || known != 200 {
			t.Errorf("%s: somebody gets %d, who is known %d", what, got, known)
		}
	}
}

// The users of a file are taken only where Check agrees.
func TestCheck(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.yml")
	refuse := errors.New("no roles")
	o := door.Options{File: file, Log: slog.New(slog.DiscardHandler), Check: func(users []string) error {
		if len(users) > 0 {
			return refuse
		}
		return nil
	}}
	write(t, file, "{}\n")
	d, err := door.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, "basic_auth_users: {alice: "+horse+"}\n")
	if err := d.Reload(); !errors.Is(err, refuse) || d.Has("alice") {
		t.Errorf("%v, %v", err, d.Users())
	}
	if _, err := door.Open(o); !errors.Is(err, refuse) {
		t.Error(err)
	}
}

// slow is a hash of what nobody knows, at the usual cost: each try takes some 50 ms.
const slow = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"

// mule is a hash at an eighth of that, which is long enough to be waited for.
const mule = "$2b$07$QOauhQNbBCuQDKes6eFzPephTCNJYz1O9Kqpm9e.AkgFtDcTp6Qw6"

// Whoever tries passwords from one address, however many at a time, delays the first
// password from another one by a few comparisons, and one that is known not at all.
func TestTryingPasswordsStarvesNobody(t *testing.T) {
	d, _ := open(t, fmt.Sprintf("basic_auth_users: {alice: %s, carol: %s, mallory: %s}\n", horse, horse, mule))
	var tried atomic.Int64
	ask := func(ctx context.Context, from, name, password string) error {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
		r.RemoteAddr = from
		r.SetBasicAuth(name, password)
		_, err := d.Authenticate(r)
		return err
	}
	if err := ask(t.Context(), "192.0.2.1:1", "carol", "correct horse"); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var flood sync.WaitGroup
	var busy atomic.Int64
	for i := range 100 {
		flood.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				err := ask(ctx, "198.51.100.1:1", "mallory", fmt.Sprint(i, " ", n))
				switch {
				case errors.Is(err, door.ErrWrong):
					tried.Add(1)
				case errors.Is(err, door.ErrBusy):
					busy.Add(1)
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	until(t, "the flood", func() bool { return tried.Load() > 2 && busy.Load() > 0 })
	for i := range 2 {
		before := tried.Load()
		if err := ask(t.Context(), "192.0.2.1:1", "alice", fmt.Sprint("wrong ", i)); !errors.Is(err, door.ErrWrong) {
			t.Fatal(err)
		}
		if n := tried.Load() - before; n > 50 {
			t.Errorf("%d passwords of somebody else were compared before this one", n)
		}
	}
	// Who is known passes while every comparer is busy.
	before := tried.Load()
	for range 100 {
		if err := ask(t.Context(), "192.0.2.1:1", "carol", "correct horse"); err != nil {
			t.Fatal(err)
		}
	}
	if n := tried.Load() - before; n > 50 {
		t.Errorf("%d passwords of somebody else were compared meanwhile", n)
	}
	stop()
	flood.Wait()
}

// What the first password of somebody takes while somebody else tries as many as they
// can, here and behind the toolkit's own server.
func BenchmarkFirstPassword(b *testing.B) {
	file := filepath.Join(b.TempDir(), "web.yml")
	if err := os.WriteFile(file, []byte("basic_auth_users: {alice: "+slow+"}\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	d, err := door.Open(door.Options{File: file, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	theirs := &http.Server{Handler: ok, ReadHeaderTimeout: time.Second}
	_ = web.Serve(closedListener{}, theirs, &web.FlagConfig{WebConfigFile: &file}, slog.New(slog.DiscardHandler))
	for name, h := range map[string]http.Handler{"door": d.Demand(ok), "toolkit": theirs.Handler} {
		b.Run(name, func(b *testing.B) {
			ctx, stop := context.WithCancel(b.Context())
			var flood sync.WaitGroup
			for i := range 100 {
				flood.Go(func() {
					for n := 0; ctx.Err() == nil; n++ {
						ask(ctx, h, "198.51.100.1:1", fmt.Sprint(i, n))
					}
				})
			}
			time.Sleep(100 * time.Millisecond)
			for i := 0; b.Loop(); i++ {
				ask(ctx, h, "192.0.2.1:1", fmt.Sprint("mine ", i))
			}
			stop()
			flood.Wait()
		})
	}
}

func ask(ctx context.Context, h http.Handler, from, password string) {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	r.RemoteAddr = from
	r.SetBasicAuth("alice", password)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code == http.StatusServiceUnavailable {
		time.Sleep(time.Millisecond) // a client that was turned away needs a round trip at least
	}
}
