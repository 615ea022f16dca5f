package probe

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"syscall"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// Why a probe failed, beside cluster.Refused, Timeout, BadTLS, BadProtocol, TooLarge
// and Other.
const (
	// Unresolved is a name that has no address.
	Unresolved = "resolve"
	// Closed is a connection that the other side closed.
	Closed = "closed"
	// Permission is what this machine's kernel does not let the exporter do.
	Permission = "permission"
	// BadStatus is an answer that says no: an HTTP status, a health, a DNS code.
	BadStatus = "status"
	// BadContent is an answer that has not what was expected.
	BadContent = "content"
	// Lost is too few replies to ICMP packets, but some.
	Lost = "loss"
)

// Reasons are all values of Result.Reason but "", in the order in which they are shown.
func Reasons() []string {
	return []string{
		Unresolved, cluster.Refused, cluster.Timeout, cluster.BadTLS, Closed, Permission,
		cluster.BadProtocol, BadStatus, BadContent, cluster.TooLarge, Lost, cluster.Other,
	}
}

// reason is the bounded reason of an error of a prober.
func reason(err error) string {
	if err == nil {
		return ""
	}
	if told, ok := errors.AsType[*line.Error](err); ok && slices.Contains(Reasons(), told.Reason) {
		return told.Reason
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return Unresolved
	}
	if errors.Is(err, os.ErrPermission) {
		return Permission
	}
	known := line.Reason(err)
	if known == cluster.Other && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)) {
		return Closed
	}
	return known
}
