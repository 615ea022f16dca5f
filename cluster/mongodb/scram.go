package mongodb

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// Iterations that a server may demand: MongoDB's own are 15000. More would be our CPU.
const (
	fewestIterations = 4096
	mostIterations   = 200_000
)

// login is a SCRAM-SHA-256 exchange (RFC 5802, RFC 7677) at the database admin. The
// server proves that it knows the password too.
func login(ctx context.Context, c *conn, user, password string) error {
	for _, r := range password {
		if r < ' ' || r > '~' {
			return line.Because(cluster.BadAuth, errors.New("the password has characters beyond ASCII, which would have to be prepared (SASLprep): choose one without"))
		}
	}
	nonce := make([]byte, 24)
	_, _ = rand.Read(nonce) // it never fails
	s := scram{user: user, password: password, nonce: base64.StdEncoding.EncodeToString(nonce)}
	answer, err := c.run(ctx, "admin", document{
		{"saslStart", int32(1)}, {"mechanism", "SCRAM-SHA-256"}, {"payload", []byte(s.first())},
		{"options", document{{"skipEmptyExchange", true}}},
	})
	if err != nil {
		return err
	}
	payload, _ := answer.get("payload").([]byte)
	final, err := s.final(string(payload))
	if err != nil {
		return line.Because(cluster.BadAuth, err)
	}
	conversation := int32(answer.number("conversationId"))
	answer, err = c.run(ctx, "admin", document{{"saslContinue", int32(1)}, {"conversationId", conversation}, {"payload", []byte(final)}})
	if err != nil {
		return err
	}
	payload, _ = answer.get("payload").([]byte)
	if err := s.verify(string(payload)); err != nil {
		return line.Because(cluster.BadAuth, err)
	}
	if answer.is("done") {
		return nil
	}
	// Servers that do not know skipEmptyExchange want one more.
	answer, err = c.run(ctx, "admin", document{{"saslContinue", int32(1)}, {"conversationId", conversation}, {"payload", []byte{}}})
	if err == nil && !answer.is("done") {
		err = line.Because(cluster.BadAuth, errors.New("the login does not end"))
	}
	return err
}

// scram is one exchange, without the network.
type scram struct {
	user, password, nonce string
	server                string // what the server will prove itself with
}

func (s *scram) bare() string {
	return "n=" + strings.NewReplacer("=", "=3D", ",", "=2C").Replace(s.user) + ",r=" + s.nonce
}

func (s *scram) first() string { return "n,," + s.bare() }

// final is the answer to the server's challenge.
func (s *scram) final(challenge string) (string, error) {
	part := map[string]string{}
	for p := range strings.SplitSeq(challenge, ",") {
		key, value, _ := strings.Cut(p, "=")
		part[key] = value
	}
	salt, err := base64.StdEncoding.DecodeString(part["s"])
	n, _ := strconv.Atoi(part["i"])
	switch {
	case err != nil || len(salt) == 0 || !strings.HasPrefix(part["r"], s.nonce) || part["r"] == s.nonce:
		return "", errors.New("the server's challenge is none of SCRAM")
	case n < fewestIterations || n > mostIterations:
		return "", fmt.Errorf("the server demands %d iterations, %d to %d are taken", n, fewestIterations, mostIterations)
	}
	salted, err := pbkdf2.Key(sha256.New, s.password, salt, n, sha256.Size)
	if err != nil {
		return "", err
	}
	unproved := "c=biws,r=" + part["r"]
	message := s.bare() + "," + challenge + "," + unproved
	key := sum(salted, "Client Key")
	stored := sha256.Sum256(key)
	proof := sum(stored[:], message)
	for i := range proof {
		proof[i] ^= key[i]
	}
	s.server = base64.StdEncoding.EncodeToString(sum(sum(salted, "Server Key"), message))
	return unproved + ",p=" + base64.StdEncoding.EncodeToString(proof), nil
}

func (s *scram) verify(last string) error {
	if !hmac.Equal([]byte(last), []byte("v="+s.server)) {
		return errors.New("the server does not prove that it knows the password")
	}
	return nil
}

func sum(key []byte, message string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message))
	return h.Sum(nil)
}
