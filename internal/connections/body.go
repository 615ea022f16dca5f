package connections

import (
	"errors"
	"io"
	"net/http"
	"time"
)

const (
	// bodyPatience is how long a body may take, and perPiece what each piece of it
	// adds to that. bodyMost is the end in any case: the server's ReadTimeout.
	bodyPatience = 5 * time.Second
	perPiece     = time.Second
	piece        = 64 << 10
	bodyMost     = 30 * time.Second
	// unread is how long the rest of a body may take that nobody wants any more:
	// of a request that was refused before it was read.
	unread = time.Second
)

// handler follows each request from its headers to its answer.
func (l *Limit) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := r.Context().Value(connKey{}).(*conn)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		b := &body{ReadCloser: r.Body, conn: c, timed: r.ProtoMajor < 2}
		if r.Body == nil || r.Body == http.NoBody {
			b.end()
		} else {
			r = r.WithContext(r.Context()) // a copy: the server goes by its own request's body
			r.Body = b
		}
		next.ServeHTTP(w, r)
		switch {
		case b.timed && !b.ended:
			c.patience(time.Now().Add(unread))
		case !b.timed && b.ended: // with HTTP/1 the server says when the answer is sent
			c.answered()
		}
	})
}

// headersCame begins the time that a body has.
func (c *conn) headersCame() {
	c.began = time.Now() // before the handler runs, which is the only one to read it
	c.patience(c.began.Add(bodyPatience))
}

// patience is until when the connection has to send what is awaited; zero is for
// ever. A connection that cannot be told is a broken one, and the next read says so.
func (c *conn) patience(until time.Time) {
	c.SetReadDeadline(until) //nolint:errcheck // see above
}

// body is a request's, and a connection gets as much more time for it as it sends.
type body struct {
	io.ReadCloser
	conn  *conn
	timed bool // HTTP/2 has its own deadlines, one for each stream
	ended bool

	came, counted int64
}

// Read reads on.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.came += int64(n)
	switch {
	case errors.Is(err, io.EOF):
		b.end()
	case b.timed && b.came-b.counted >= piece:
		b.counted = b.came
		b.conn.patience(b.conn.began.Add(min(bodyPatience+time.Duration(b.came/piece)*perPiece, bodyMost)))
	}
	return n, err
}

// end is when the request has come whole: nothing more is awaited.
func (b *body) end() {
	if b.ended {
		return
	}
	b.ended = true
	b.conn.whole()
	if b.timed {
		b.conn.patience(time.Time{})
	}
}
