package webhook

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"
)

// reason is the label value under which a refusal is counted.
type reason string

const (
	reasonUnauthenticated reason = "unauthenticated"
	reasonForbidden       reason = "forbidden"
	reasonContentType     reason = "content_type"
	reasonTooLarge        reason = "too_large"
	reasonMalformed       reason = "malformed"
	reasonVersion         reason = "version"
	reasonAborted         reason = "aborted"
	reasonNotPersisted    reason = "not_persisted"
)

// reasons returns all of them.
func reasons() []reason {
	return []reason{
		reasonUnauthenticated, reasonForbidden, reasonContentType, reasonTooLarge,
		reasonMalformed, reasonVersion, reasonAborted, reasonNotPersisted,
	}
}

// refusal is an answer other than 200.
type refusal struct {
	status int
	reason reason
	cause  error // for the log only

	Message string `json:"error"`
	Where   string `json:"where,omitempty"`
	Hint    string `json:"hint,omitempty"`
}

func (r *refusal) Error() string {
	if r.Where == "" {
		return r.Message
	}
	return r.Message + " at " + r.Where
}

func (r *refusal) Unwrap() error { return r.cause }

const hintShape = "see docs/webhook.md for the message that is taken: Alertmanager's webhook, version 4, without `payload:`"

// malformed refuses what stands at the decoder's place.
func malformed(dec *jsontext.Decoder, format string, args ...any) error {
	return &refusal{
		status: http.StatusBadRequest, reason: reasonMalformed,
		Message: fmt.Sprintf(format, args...),
		Where:   place(dec.StackPointer(), dec.InputOffset()),
		Hint:    hintShape,
	}
}

// readError turns what the decoder returned into a refusal where the body is
// to blame; a spool that cannot be read stays what it is.
func readError(err error) error {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	bad := &refusal{status: http.StatusBadRequest, reason: reasonMalformed, Hint: hintShape}
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &syntax):
		bad.Where = place(syntax.JSONPointer, syntax.ByteOffset)
		switch {
		case errors.Is(syntax.Err, jsontext.ErrDuplicateName):
			bad.Message = fmt.Sprintf("duplicate name %s", quoted(syntax.JSONPointer.LastToken()))
			bad.Hint = "a name may stand once in an object: which of its values counts would depend on the reader"
		case errors.Is(syntax.Err, io.ErrUnexpectedEOF):
			bad.Message = "the body ends in the middle of a JSON value"
		default:
			bad.Message = "not JSON: " + capped(syntax.Err.Error())
		}
		return bad
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		bad.Message = "the body is empty or ends early"
		return bad
	}
	return fmt.Errorf("read the spooled message: %w", err)
}

func place(p jsontext.Pointer, offset int64) string {
	if p == "" {
		p = "/"
	}
	return fmt.Sprintf("%s (byte %d)", capped(string(p)), offset)
}

// quoted is untrusted text, fit to be shown.
func quoted(s string) string { return fmt.Sprintf("%+q", capped(s)) }

// capped keeps an answer short, whatever the body says.
func capped(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
