package postgres

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// explain gives an error of pgconn its reason, and takes the secret out of its text.
func (c *conn) explain(err error, connecting bool) error {
	if said, ok := errors.AsType[*pgconn.PgError](err); ok && said.Code == missingRight {
		err = fmt.Errorf("%w: GRANT pg_monitor TO the user", err)
	}
	return line.Because(reasonOf(err, connecting), errors.New(line.Why(err, c.secret)))
}

// reasonOf is the bounded reason of an error of pgconn, which has types for few of its
// own; connecting tells that nothing yet had shown the server to be a PostgreSQL.
func reasonOf(err error, connecting bool) string {
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		return reasonOfCode(said.Code)
	}
	if _, ok := errors.AsType[*pgproto3.ExceededMaxBodyLenErr](err); ok {
		if connecting { // the letters of another protocol, read as a length
			return cluster.BadProtocol
		}
		return cluster.TooLarge
	}
	if reason := line.Reason(err); reason != cluster.Other {
		return reason
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "server refused TLS connection"), strings.Contains(text, "tls error"):
		return cluster.BadTLS
	case hungUp(err):
		return cluster.Other
	case strings.Contains(text, "failed SASL auth"), strings.Contains(text, "require_auth check failed"), strings.Contains(text, "channel binding"):
		return cluster.BadAuth
	case strings.Contains(text, "dial error"):
		return cluster.Other
	}
	return cluster.BadProtocol
}

const missingRight = "42501" // insufficient_privilege

// hungUp tells that the other side, or something between, ended the connection.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, pgconn.ErrConnClosed)
}

// reasonOfCode is the reason of an SQLSTATE.
func reasonOfCode(code string) string {
	switch code {
	case missingRight:
		return cluster.BadAuth
	case "57014", "55P03", "25P04": // statement_timeout, lock_timeout, transaction_timeout
		return cluster.Timeout
	case "42703", "42P01", "42883", "42704", "0A000": // no such column, table, function, setting; not supported
		return cluster.BadVersion
	case "08P01": // protocol_violation
		return cluster.BadProtocol
	}
	if strings.HasPrefix(code, "28") { // invalid_authorization
		return cluster.BadAuth
	}
	return cluster.Other
}
