package line

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"unicode"

	"github.com/fettle-io/fettle/cluster"
)

// Error is an error whose reason is known, such as a login that was refused.
type Error struct {
	Reason string // one of cluster.Reasons
	Err    error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap is what happened.
func (e *Error) Unwrap() error { return e.Err }

// Because gives err a reason.
func Because(reason string, err error) error { return &Error{Reason: reason, Err: err} }

// Reason is the bounded reason of an error of Do, one of cluster.Reasons; "" of nil.
func Reason(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	if _, ok := errors.AsType[*TooLargeError](err); ok {
		return cluster.TooLarge
	}
	if badTLS(err) {
		return cluster.BadTLS
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, os.ErrDeadlineExceeded) {
		return cluster.Timeout
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return cluster.Timeout
	}
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT) || errors.Is(err, fs.ErrNotExist) {
		return cluster.Refused
	}
	if errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH) {
		return cluster.Timeout // nobody there, as nobody who answers
	}
	return cluster.Other
}

func badTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return true
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" { // an alert of crypto/tls
		return true
	}
	_, ok := errors.AsType[x509.UnknownAuthorityError](err)
	return ok
}

// most bytes of an error that people are shown.
const most = 512

// Why is the text of an error for people: one line, 512 bytes at most, without the
// secrets.
func Why(err error, secrets ...string) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "…")
		}
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most-len("…")], "") + "…"
	}
	return text
}

// Blame writes into m why it could not be asked. Call it with an error of Do.
func Blame(m *cluster.MemberView, err error, secrets ...string) {
	m.Reachable, m.Error, m.Why = false, Reason(err), Why(err, secrets...)
	if p, ok := errors.AsType[*PausedError](err); ok {
		m.Pause = p.For
	}
}
