package api

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"
)

const (
	maxBody   = 64 << 10 // of a request, in bytes
	maxReason = 500      // of what a person says, in bytes
	maxID     = 200      // of a name or an id, in bytes
)

// body reads one strict JSON object.
func body(c *gin.Context, into any) error {
	media, _, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil || media != "application/json" {
		return &Error{
			Status: http.StatusUnsupportedMediaType, Message: "Content-Type is not application/json",
			Hint: "send one JSON object; docs/http-api.md shows it",
		}
	}
	const hint = "docs/http-api.md shows the object that is taken"
	err = json.UnmarshalRead(http.MaxBytesReader(c.Writer, c.Request.Body, maxBody), into, json.RejectUnknownMembers(true))
	var (
		over   *http.MaxBytesError
		shape  *json.SemanticError
		reason = "not the JSON object that is wanted"
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &over):
		return &Error{Status: http.StatusRequestEntityTooLarge, Message: "the body is longer than " + strconv.Itoa(maxBody) + " bytes"}
	case errors.Is(err, json.ErrUnknownName) && errors.As(err, &shape):
		return badInput(hint, "unknown field %+q", shown(shape.JSONPointer.LastToken()))
	case errors.As(err, &shape):
		return badInput(hint, "%s, at %+q", reason, shown(string(shape.JSONPointer)))
	}
	return badInput(hint, "%s: %s", reason, shown(err.Error()))
}

// query reads the query strictly: known names, each once.
func query(c *gin.Context, allowed ...string) (url.Values, error) {
	q, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return nil, badInput("", "the query cannot be read")
	}
	for name, values := range q {
		if !slices.Contains(allowed, name) {
			return nil, badInput("known are "+strings.Join(allowed, ", "), "unknown query parameter %+q", shown(name))
		}
		if len(values) > 1 {
			return nil, badInput("", "%s is given more than once", name)
		}
	}
	return q, nil
}

func number(q url.Values, name string, otherwise uint64) (uint64, error) {
	if !q.Has(name) {
		return otherwise, nil
	}
	n, err := strconv.ParseUint(q.Get(name), 10, 64)
	if err != nil {
		return 0, badInput("", "%s=%+q is no whole number", name, shown(q.Get(name)))
	}
	return n, nil
}

func limitOf(q url.Values) (int, error) {
	n, err := number(q, "limit", DefaultLimit)
	if err != nil {
		return 0, err
	}
	if n < 1 || n > MaxLimit {
		return 0, badInput("", "limit is from 1 to %d", MaxLimit)
	}
	return int(n), nil
}

// param is the id in the path.
func param(c *gin.Context) (string, error) {
	id := c.Param("id")
	return id, checkID(id)
}

// CheckID returns why id cannot be a name or an id, an *Error; nil: it may be one.
func CheckID(id string) error { return checkID(id) }

// CheckReason returns why s cannot be what a person says, an *Error; nil: it can.
func CheckReason(s string) error { return checkReason(s) }

func checkID(id string) error {
	if id == "" || id == "." || id == ".." || len(id) > maxID || !plain(id) {
		return badInput("", "%+q is no name or id: 1 to %d bytes of plain text", shown(id), maxID)
	}
	return nil
}

// checkReason keeps what people say to one line that cannot play tricks on a
// terminal.
func checkReason(s string) error {
	if strings.TrimSpace(s) == "" {
		return badInput("say in a few words why, for those who read the journal", "the reason is missing")
	}
	if len(s) > maxReason || !plain(s) {
		return badInput("", "a reason is one line of at most %d bytes without control characters", maxReason)
	}
	return nil
}

// plain is text without control, formatting and line breaking characters.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
	})
}

// shown is untrusted text, short enough for an answer.
func shown(s string) string {
	if len(s) > maxID {
		return s[:maxID] + "…"
	}
	return s
}
