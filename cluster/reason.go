package cluster

// Why a member could not be asked, or not be understood: the bounded words of
// MemberView.Error.
const (
	// Refused is a closed port, or a socket that is not there.
	Refused = "refused"
	// Timeout is no answer, or not all of it, in time.
	Timeout = "timeout"
	// BadTLS is a handshake that failed, a wrong certificate above all.
	BadTLS = "tls"
	// BadAuth is a wrong user or password, or a right that is missing.
	BadAuth = "auth"
	// BadProtocol is an answer that this kind of server does not give.
	BadProtocol = "protocol"
	// BadVersion is a server too old, or too new, to be understood.
	BadVersion = "version"
	// TooLarge is an answer beyond what such a server can have to say.
	TooLarge = "too_large"
	// Other is everything else.
	Other = "other"
)

// Reasons are all of them, in the order in which they are shown.
func Reasons() []string {
	return []string{Refused, Timeout, BadTLS, BadAuth, BadProtocol, BadVersion, TooLarge, Other}
}
