package console

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-io/fettle/internal/access"
)

const (
	formGood = time.Hour   // a form may be sent for so long after its page was made
	doneGood = time.Minute // what was done is said for so long
)

// seal proves that words came from this process, for one person, a short while ago. Its
// key is as old as the process.
type seal struct {
	key [32]byte
	now func() time.Time
}

func newSeal(now func() time.Time) *seal {
	s := &seal{now: now}
	_, _ = rand.Read(s.key[:]) // it never fails
	return s
}

// of is the proof of some words for who.
func (s *seal) of(who access.Identity, words ...string) string {
	at := strconv.FormatInt(s.now().Unix(), 36)
	return at + "." + s.sum(at, who, words)
}

// holds tells whether proof is one of these words for who that is still good.
func (s *seal) holds(proof string, good time.Duration, who access.Identity, words ...string) bool {
	at, sum, _ := strings.Cut(proof, ".")
	made, err := strconv.ParseInt(at, 36, 64)
	if err != nil || !hmac.Equal([]byte(sum), []byte(s.sum(at, who, words))) {
		return false
	}
	age := s.now().Sub(time.Unix(made, 0))
	return age >= -good && age <= good // a clock may be set back
}

func (s *seal) sum(at string, who access.Identity, words []string) string {
	h := hmac.New(sha256.New, s.key[:])
	fmt.Fprintf(h, "%q %q %q %q %q", at, who.How, who.Role, who.Name, words)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
