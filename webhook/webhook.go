// Package webhook receives Alertmanager's notifications.
//
// A message is spooled, checked whole and only then streamed to the Sink. The
// sender gets 200 when the sink says that everything is on disk, 503 when it
// could not be persisted, which is the only answer that Alertmanager tries
// again, and 4xx when it is unauthenticated, malformed or over a size limit.
// There is no answer for "busy", and none for what a repair came to.
//
// In Alertmanager's JSON the alerts stand before version, groupKey and
// truncatedAlerts, and nothing of a message is believed before its last byte. So
// the alerts of a message that fits into memory are held until then, and a longer
// one is read twice, from a file, without being held at all.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/internal/access"
)

const (
	// Path is where messages are posted to.
	Path = "/api/v1/alertmanager"
	// DefaultMaxBody is the longest body taken, in bytes.
	DefaultMaxBody = 256 << 20
	// MaxField is how long a text of a Message is at most, in bytes.
	MaxField = 4 << 10

	// takeTimeout is the sink's: at its end the message is not persisted.
	takeTimeout = 60 * time.Second
	// retryAfter is told with a 503, in seconds. Alertmanager goes by its own clock.
	retryAfter = "5"
)

// Options is what a Handler needs. Sink, Metrics, Log and NewID are needed.
type Options struct {
	Sink    Sink
	Metrics *Metrics
	Log     *slog.Logger
	// NewID makes a UUIDv7.
	NewID func() string
	// MaxBody is the longest body taken, in bytes; 0 is DefaultMaxBody.
	MaxBody int64
	// SpoolDir is where bodies over 1 MiB are kept while they are read; empty
	// is the system's directory for temporary files.
	SpoolDir string
}

// Handler answers Alertmanager.
type Handler struct {
	o       Options
	memory  *room
	files   chan struct{} // one for each message that is being read from a file
	parsers sync.Pool     // of *parser
}

// New makes a Handler.
func New(o Options) *Handler {
	if o.MaxBody == 0 {
		o.MaxBody = DefaultMaxBody
	}
	return &Handler{
		o: o, memory: newRoom(memoryRoom), files: make(chan struct{}, fromFiles),
		parsers: sync.Pool{New: func() any { return newParser() }},
	}
}

// Register puts the handler on its route. Authentication is a middleware's
// that stands before it.
func (h *Handler) Register(r gin.IRoutes) { r.POST(Path, h.receive) }

// reasonKey is where receive leaves a refusal's reason for Count.
const reasonKey = "fettle/webhook.reason"

// Count is a middleware that counts every answer on the handler's route. It
// stands before authentication, so that what that refuses is counted as well.
func (h *Handler) Count(c *gin.Context) {
	if c.FullPath() != Path {
		return
	}
	began := time.Now()
	c.Next()
	status := c.Writer.Status()
	h.o.Metrics.duration.Observe(time.Since(began).Seconds())
	h.o.Metrics.messages.WithLabelValues(strconv.Itoa(status)).Inc()
	why := reason(c.GetString(reasonKey))
	switch {
	case why != "":
	case status == http.StatusUnauthorized:
		why = reasonUnauthenticated
	case status == http.StatusForbidden:
		why = reasonForbidden
	default:
		return
	}
	h.o.Metrics.rejected.WithLabelValues(string(why)).Inc()
}

func (h *Handler) receive(c *gin.Context) {
	actor := access.From(c).Name
	taken, err := h.take(c.Request, c.Writer, actor)
	if err == nil {
		h.o.Metrics.took(taken)
		c.Data(http.StatusOK, "application/json; charset=utf-8", fmt.Appendf(nil, `{"received":%d,"repeats":%d,"seq":%d,"unmatched":%d}`,
			taken.Received, taken.Repeats, taken.Seq, taken.Unmatched))
		return
	}
	var r *refusal
	if !errors.As(err, &r) {
		r = notPersisted(err)
	}
	c.Set(reasonKey, string(r.reason))
	if r.status == http.StatusServiceUnavailable {
		h.o.Log.Error("message not persisted", "actor", actor, "err", r.cause)
		c.Header("Retry-After", retryAfter)
	} else {
		h.o.Log.Warn("message refused", "actor", actor, "status", r.status, "reason", string(r.reason), "err", r.Error(), "hint", r.Hint)
	}
	c.JSON(r.status, r)
}

// take brings one message into the sink. An error that is no refusal means
// that it could not be persisted.
func (h *Handler) take(req *http.Request, w http.ResponseWriter, actor string) (Taken, error) {
	if err := checkHeader(req.Header); err != nil {
		return Taken{}, err
	}
	// Once it is all here, a sender that hangs up changes nothing: half a
	// message costs more than the rest of it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(req.Context()), takeTimeout)
	defer cancel()
	if req.ContentLength > h.o.MaxBody {
		return Taken{}, h.tooLarge(ctx, actor, req.ContentLength, h.overCap())
	}
	body, err := newSpool(http.MaxBytesReader(w, req.Body, h.o.MaxBody), req.ContentLength, h.o.SpoolDir, h.memory)
	defer body.close()
	if err != nil {
		var over *http.MaxBytesError
		switch {
		case errors.As(err, &over):
			return Taken{}, h.tooLarge(ctx, actor, body.size, h.overCap())
		case errors.Is(err, errSpool):
			return Taken{}, err
		}
		return Taken{}, &refusal{
			status: http.StatusBadRequest, reason: reasonAborted, cause: err,
			Message: "the body did not arrive whole", Hint: "the sender hung up, or was too slow: docs/webhook.md says how slow it may be",
		}
	}
	taken, err := h.hand(ctx, body, actor)
	var r *refusal
	if errors.As(err, &r) && r.reason == reasonTooLarge {
		err = h.tooLarge(ctx, actor, body.size, err)
	}
	return taken, err
}

// tooLarge refuses a message for its size, once it is on disk that its alerts have to be
// fetched: nobody sends again what was answered 413, so that it must not be forgotten.
func (h *Handler) tooLarge(ctx context.Context, actor string, size int64, refused error) error {
	if err := h.o.Sink.Overflow(ctx, actor, size); err != nil {
		return notPersisted(fmt.Errorf("a message over a size limit (%d bytes): %w", size, err))
	}
	return refused
}

// hand checks a body that is all here, and hands it to the sink.
func (h *Handler) hand(ctx context.Context, body *spool, actor string) (Taken, error) {
	p := h.parsers.Get().(*parser) //nolint:errcheck // the pool holds nothing else
	defer func() {
		p.rest()
		h.parsers.Put(p)
	}()
	var (
		m      Message
		alerts iter.Seq2[alert.Alert, error]
		err    error
	)
	if body.file == nil {
		m, alerts, err = p.held(body.memory)
	} else {
		select {
		case h.files <- struct{}{}:
			defer func() { <-h.files }()
		case <-ctx.Done():
			return Taken{}, notPersisted(fmt.Errorf("wait for longer messages: %w", ctx.Err()))
		}
		m, err = p.read(body.reader(), func(alert.Alert) error { return nil })
		alerts = p.again(body)
	}
	if err != nil {
		return Taken{}, err
	}
	m.ID, m.Actor, m.Size = h.o.NewID(), actor, body.size
	for _, field := range []*string{&m.Receiver, &m.GroupKey, &m.Reason, &m.ExternalURL} {
		*field = shortened(*field)
	}
	taken, err := h.o.Sink.Take(ctx, m, alerts)
	if err != nil {
		return Taken{}, notPersisted(err)
	}
	return taken, nil
}

// held reads a message in memory, and holds its alerts.
func (p *parser) held(body []byte) (Message, iter.Seq2[alert.Alert, error], error) {
	all := make([]alert.Alert, 0, 1+len(body)/512) // about as many as there are
	m, err := p.readBytes(body, func(a alert.Alert) error {
		all = append(all, alert.Bound(a))
		return nil
	})
	return m, func(yield func(alert.Alert, error) bool) {
		for i := range all {
			if !yield(all[i], nil) {
				return
			}
		}
	}, err
}

// again reads a message in a file once more. It can be ranged over more than once.
func (p *parser) again(body *spool) iter.Seq2[alert.Alert, error] {
	return func(yield func(alert.Alert, error) bool) {
		enough := errors.New("the sink has enough")
		_, err := p.read(body.reader(), func(a alert.Alert) error {
			if !yield(alert.Bound(a), nil) {
				return enough
			}
			return nil
		})
		if err != nil && !errors.Is(err, enough) {
			yield(alert.Alert{}, fmt.Errorf("second reading: %w", err))
		}
	}
}

// checkHeader refuses what is not plain JSON: Alertmanager sends nothing else,
// and a browser's form cannot.
func checkHeader(h http.Header) error {
	r := &refusal{status: http.StatusUnsupportedMediaType, reason: reasonContentType}
	for _, encoding := range h.Values("Content-Encoding") {
		if !strings.EqualFold(strings.TrimSpace(encoding), "identity") {
			r.Message = "Content-Encoding " + quoted(encoding) + " is not taken"
			r.Hint = "send the body uncompressed, as Alertmanager does"
			return r
		}
	}
	types := h.Values("Content-Type")
	if len(types) == 1 {
		media, params, err := mime.ParseMediaType(types[0])
		charset, given := params["charset"]
		if err == nil && media == "application/json" && (!given || strings.EqualFold(charset, "utf-8")) {
			return nil
		}
	}
	r.Message = "Content-Type " + quoted(strings.Join(types, ", ")) + " is not application/json"
	r.Hint = "send Alertmanager's webhook message as application/json"
	return r
}

func (h *Handler) overCap() error {
	return &refusal{
		status: http.StatusRequestEntityTooLarge, reason: reasonTooLarge,
		Message: fmt.Sprintf("the body is longer than %d bytes", h.o.MaxBody),
		Hint:    "the active alerts are fetched from the configured Alertmanagers instead; a finer group_by makes smaller messages",
	}
}

func notPersisted(cause error) *refusal {
	return &refusal{
		status: http.StatusServiceUnavailable, reason: reasonNotPersisted, cause: cause,
		Message: "the message could not be persisted, and nothing of it is acknowledged",
		Hint:    "send it again; the server's log and fettle_journal_writable say more",
	}
}

func shortened(s string) string {
	if len(s) <= MaxField {
		return s
	}
	n := MaxField - len("…")
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.Clone(s[:n]) + "…"
}
