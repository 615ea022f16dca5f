// Package door is how an HTTP server over TCP is entered: TLS, client certificates
// and names with passwords, as a Prometheus web configuration file has them. Both
// programs use it.
//
// The file is that of every Prometheus program, and what it means is read by the
// exporter toolkit. What differs: the file is strict, with the place of each mistake
// told; a file or a certificate that is not in order leaves the one before in use
// (toolkit servers refuse everybody then); trying passwords keeps nobody else
// waiting; and a password counts for the routes that ask for one, so that tokens and
// certificates go together with users on one listener.
//
// Start at [Open]; [Door.Serve] is what runs.
package door

import (
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fettle-io/fettle/internal/strictyaml"
)

// Options is what a Door needs.
type Options struct {
	// File is the web configuration file; empty: plain HTTP, and no users.
	File string
	// Check, if set, is asked about the users of a file before it is taken.
	Check func(users []string) error
	Log   *slog.Logger
	// Registerer gets the metrics; nil: none.
	Registerer prometheus.Registerer
}

// Door is one web configuration in use.
type Door struct {
	o       Options
	key     []byte // of what is remembered of passwords
	queue   *queue
	metrics metrics

	state  atomic.Pointer[state]
	looked atomic.Int64 // when the files were last looked at, in Unix nanoseconds

	reloading sync.Mutex
	tried     []stamp // the files as they were when they were last read
}

// state is a web configuration as it was read.
type state struct {
	tls     *tls.Config // nil: plain HTTP
	http2   bool
	headers map[string]string
	users   map[string]string // by name: the bcrypt hash
	expires time.Time         // of the certificate; zero: none
	files   []stamp

	passed sync.Map // what was verified: [32]byte, of name, hash and password
}

// lookEvery is how often at most it is looked whether the files have changed.
const lookEvery = time.Second

// Open reads the web configuration.
func Open(o Options) (*Door, error) {
	d := &Door{o: o, key: make([]byte, 32), metrics: newMetrics(o)}
	rand.Read(d.key) //nolint:errcheck // it never fails
	s, files, err := d.read()
	if err != nil {
		return nil, err
	}
	var comparers chan http.Handler
	if o.File != "" {
		if comparers, err = newComparers(o.File); err != nil {
			return nil, err
		}
	}
	d.queue = newQueue(comparers)
	d.take(s, files)
	return d, nil
}

// Reload reads the files again, whether or not they have changed. On an error what
// was there before stays.
func (d *Door) Reload() error {
	if d.o.File == "" {
		return nil
	}
	d.reloading.Lock()
	defer d.reloading.Unlock()
	return d.reload()
}

func (d *Door) reload() error {
	s, files, err := d.read()
	if err == nil && (s.tls == nil) != (d.state.Load().tls == nil) {
		err = fmt.Errorf("%s: turning TLS on or off takes a restart", d.o.File)
	}
	if err != nil {
		d.tried = files
		d.metrics.reloaded(false)
		return err
	}
	d.take(s, files)
	return nil
}

func (d *Door) take(s *state, files []stamp) {
	s.files, d.tried = files, files
	d.state.Store(s)
	d.looked.Store(time.Now().UnixNano())
	d.metrics.reloaded(true)
	d.metrics.expires(s.expires)
	if left := time.Until(s.expires); !s.expires.IsZero() && left < warnBefore {
		d.o.Log.Warn("the certificate expires soon, or has expired", "file", d.o.File, "not_after", s.expires.UTC().Format(time.RFC3339))
	}
}

// warnBefore is how long before its end a certificate is warned of.
const warnBefore = 7 * 24 * time.Hour

// current is what is in use. A certificate that was renewed, and any other change of
// the files, is taken with the next connection or request after lookEvery.
func (d *Door) current() *state {
	last, now := d.looked.Load(), time.Now().UnixNano()
	if d.o.File == "" || now-last < int64(lookEvery) || !d.looked.CompareAndSwap(last, now) || !d.reloading.TryLock() {
		return d.state.Load()
	}
	defer d.reloading.Unlock()
	d.refresh()
	return d.state.Load()
}

// again is what is in use after another look at the files.
func (d *Door) again() *state {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	d.refresh()
	return d.state.Load()
}

func (d *Door) refresh() {
	if changed(d.tried) {
		if err := d.reload(); err != nil {
			d.o.Log.Error("the web configuration has changed and is not in order, the one before stays", "err", err)
		} else {
			d.o.Log.Info("the web configuration has changed", "file", d.o.File)
		}
	}
}

// ReadUsers reads a web configuration file and the certificates that it names, and
// returns the names of its users. What is wrong is told as by [Open]; an expired
// certificate, which Open takes, as well.
func ReadUsers(file string) ([]string, error) {
	r := reader{path: file, now: time.Now()}
	s, _, err := r.read()
	if err != nil {
		return nil, err
	}
	if !s.expires.IsZero() && r.now.After(s.expires) {
		r.doc.Errorf(strictyaml.Path{"tls_server_config"}, "the certificate%s expired on %s UTC: have it renewed (the clock of this machine says %s UTC)",
			in(r.form.TLS.CertFile), s.expires.UTC().Format(time.DateTime), r.now.UTC().Format(time.DateTime))
	}
	return names(s.users), r.doc.Err()
}

// in is the end of a phrase about what a file has, if it is one.
func in(file string) string {
	if file == "" {
		return ""
	}
	return " in " + file
}

// Users are the names whose passwords are checked, sorted.
func (d *Door) Users() []string { return names(d.state.Load().users) }

// Has tells whether a name's password is checked.
func (d *Door) Has(user string) bool { return slices.Contains(d.Users(), user) }

// Encrypted tells whether the door speaks TLS.
func (d *Door) Encrypted() bool { return d.state.Load().tls != nil }

// Serve serves as http.Server.Serve does, behind this door.
func (d *Door) Serve(server *http.Server, l net.Listener) error { return d.Guard(server)(l) }

// Guard puts the door before a server, once, and returns what serves on a listener.
func (d *Door) Guard(server *http.Server) func(net.Listener) error {
	handler, s := server.Handler, d.state.Load()
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range d.current().headers {
			w.Header().Set(name, value)
		}
		handler.ServeHTTP(w, r)
	})
	if s.tls != nil {
		server.TLSConfig = &tls.Config{
			MinVersion: tls.VersionTLS12,
			// The files may have changed since the last connection.
			GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return d.current().tls, nil },
		}
		if !s.http2 {
			server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
		}
	}
	return func(l net.Listener) error {
		d.o.Log.Info("Listening on", "address", l.Addr().String(), "tls", s.tls != nil)
		if s.tls == nil {
			return server.Serve(l)
		}
		return server.ServeTLS(l, "", "")
	}
}
