package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// Grant gives one role to one credential: exactly one of TokenFile, User and
// CertificateName is set.
type Grant struct {
	Role Role
	// Name is the actor in the journal. Empty: the user, the certificate's
	// name, or the token file's name without its extension.
	Name string
	// TokenFile holds a bearer token, readable by its owner only.
	TokenFile string
	// User is a name that the web configuration's basic_auth_users checks.
	User string
	// CertificateName is a subject alternative name (DNS, URI, e-mail, IP) of
	// a client certificate, or its common name where it has none.
	CertificateName string
}

// minToken is the least length of a token, in bytes.
const minToken = 16

// credentials are grants, ready to be compared.
type credentials struct {
	tokens       []token
	users        map[string]Identity
	certificates map[string]Identity
	checks       Users
}

type token struct {
	sum [sha256.Size]byte
	id  Identity
}

func (k *credentials) none() bool {
	return len(k.tokens)+len(k.users)+len(k.certificates) == 0
}

func load(grants []Grant, users Users) (*credentials, error) {
	k := &credentials{users: map[string]Identity{}, certificates: map[string]Identity{}, checks: users}
	for i, g := range grants {
		if err := k.add(g); err != nil {
			return nil, fmt.Errorf("web.roles[%d]: %w", i, err)
		}
	}
	return k, nil
}

func (k *credentials) add(g Grant) error {
	switch g.Role {
	case Webhook, Metrics, Viewer, Operator:
	default:
		return fmt.Errorf("role %q is not one of webhook, metrics, viewer, operator", g.Role)
	}
	given := 0
	for _, s := range []string{g.TokenFile, g.User, g.CertificateName} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		return errors.New("needs exactly one of token_file, user and certificate_name")
	}
	id := Identity{Name: g.Name, Role: g.Role}
	switch {
	case g.TokenFile != "":
		secret, err := readToken(g.TokenFile)
		if err != nil {
			return err
		}
		id.How = "token"
		id.Name = or(g.Name, strings.TrimSuffix(filepath.Base(g.TokenFile), filepath.Ext(g.TokenFile)))
		t := token{sha256.Sum256(secret), id}
		for _, other := range k.tokens {
			if subtle.ConstantTimeCompare(other.sum[:], t.sum[:]) == 1 {
				return fmt.Errorf("the token in %s is also that of %s: each needs its own", g.TokenFile, other.id.Name)
			}
		}
		k.tokens = append(k.tokens, t)
	case g.User != "":
		if k.checks == nil || !k.checks.Has(g.User) {
			return fmt.Errorf("user %s: nobody checks its password; write it under basic_auth_users in the web configuration file (web.config_file)", g.User)
		}
		return put(k.users, g.User, id, "user")
	default:
		return put(k.certificates, g.CertificateName, id, "certificate")
	}
	return nil
}

func put(all map[string]Identity, name string, id Identity, how string) error {
	if _, twice := all[name]; twice {
		return fmt.Errorf("%s %s has a role already", how, name)
	}
	id.Name, id.How = or(id.Name, name), how
	all[name] = id
	return nil
}

func or(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

// CheckToken tells what is wrong with a token's file: also that one of the others,
// which are by digest the files before, has the same token. It notes the file there.
func CheckToken(path string, others map[[sha256.Size]byte]string) error {
	secret, err := readToken(path)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(secret)
	if other, taken := others[sum]; taken && other != path {
		return fmt.Errorf("the token in %s is also that in %s: each needs its own", path, other)
	}
	others[sum] = path
	return nil
}

// readToken refuses a file that others may read: what they know proves nothing.
func readToken(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("token file: %w: (umask 077; openssl rand -hex 32 >%s) makes one", err, path)
	}
	if err != nil {
		return nil, fmt.Errorf("token file: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > 4096 {
		return nil, fmt.Errorf("token file %s: not a small regular file", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("token file %s has mode %04o, so that others may read it: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("token file: %w", err)
	}
	secret := strings.TrimRight(string(b), "\r\n")
	if len(secret) < minToken {
		return nil, fmt.Errorf("token file %s: a token has at least %d bytes; openssl rand -hex 32 makes a good one", path, minToken)
	}
	for _, c := range []byte(secret) {
		if c <= ' ' || c > '~' {
			return nil, fmt.Errorf("token file %s: a token is one line of printable ASCII without spaces", path)
		}
	}
	return []byte(secret), nil
}

// refusedError says why a request has no identity.
type refusedError struct {
	status        int
	message, hint string
}

func (e *refusedError) Error() string { return e.message }

func unauthenticated(message string) error {
	return &refusedError{status: http.StatusUnauthorized, message: message, hint: hintWho}
}

// identify finds out who sent r. What a request carries wins over what its
// connection proves, and if it is wrong nothing else is looked at. A password costs a
// lot of time to compare; without passwords none is.
func (k *credentials) identify(r *http.Request, passwords bool) (Identity, error) {
	if peer, ok := peerOf(r.Context()); ok {
		return peer.identify()
	}
	if k.none() {
		if !localName(r.Host) {
			// A page whose name was pointed at 127.0.0.1 is of the same origin to its browser.
			return Identity{}, &refusedError{
				status: http.StatusForbidden, message: "without roles only requests to localhost are answered",
				hint: "ask for localhost, or configure web.roles in fettle.yml",
			}
		}
		return Identity{Name: "anonymous", Role: Anonymous, How: "none"}, nil
	}
	switch values := r.Header.Values("Authorization"); len(values) {
	case 0:
		return k.certificate(r)
	case 1:
		scheme, secret, _ := strings.Cut(values[0], " ")
		if strings.EqualFold(scheme, "bearer") {
			return k.token(secret)
		}
		if _, _, ok := r.BasicAuth(); ok && passwords {
			return k.user(r)
		}
	}
	return Identity{}, unauthenticated("the Authorization header is not understood")
}

// token compares with every token, in the same time whichever fits.
func (k *credentials) token(secret string) (Identity, error) {
	sum := sha256.Sum256([]byte(secret))
	found := -1
	for i := range k.tokens {
		if subtle.ConstantTimeCompare(sum[:], k.tokens[i].sum[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return Identity{}, unauthenticated("this token has no role")
	}
	return k.tokens[found].id, nil
}

// user is one whose password was checked. Whether there is such a user, and whether
// it has a role, is told only to who knows the password.
func (k *credentials) user(r *http.Request) (Identity, error) {
	if k.checks == nil {
		return Identity{}, unauthenticated("names and passwords are not checked here")
	}
	name, err := k.checks.Authenticate(r)
	if err != nil && k.checks.Busy(err) {
		return Identity{}, &refusedError{http.StatusServiceUnavailable, err.Error(), "a token or a certificate is never kept waiting"}
	}
	if err != nil {
		return Identity{}, unauthenticated("wrong name or password")
	}
	id, ok := k.users[name]
	if !ok {
		return Identity{}, unauthenticated("this user has no role")
	}
	return id, nil
}

func (k *credentials) certificate(r *http.Request) (Identity, error) {
	// Not verified means that anybody could have written it.
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return Identity{}, unauthenticated("no credentials")
	}
	for _, name := range namesOf(r.TLS.VerifiedChains[0][0]) {
		if id, ok := k.certificates[name]; ok {
			return id, nil
		}
	}
	return Identity{}, unauthenticated("no name in this certificate has a role")
}

func namesOf(c *x509.Certificate) []string {
	names := append(append([]string{}, c.DNSNames...), c.EmailAddresses...)
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 && c.Subject.CommonName != "" {
		names = append(names, c.Subject.CommonName)
	}
	return names
}
