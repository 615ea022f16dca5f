package mongodbtest

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// login is the server's side of SCRAM-SHA-256.
type login struct {
	options Options
	first   string // what the client said first, without its head
	server  string
	done    bool
}

const iterations = 15000

func (l *login) answer(name string, parts map[string]any) d {
	payload, _ := parts["payload"].([]byte)
	fail := refusal(18, "AuthenticationFailed", "Authentication failed.")
	if parts["$db"] != "admin" {
		return fail
	}
	b64 := base64.StdEncoding.EncodeToString
	if name == "saslStart" {
		head, bare, _ := strings.Cut(string(payload), ",,")
		if parts["mechanism"] != "SCRAM-SHA-256" || head != "n" {
			return fail
		}
		l.first = bare
		_, nonce, _ := strings.Cut(bare, ",r=")
		l.server = "r=" + nonce + "server,s=" + b64([]byte("salt of sixteen!")) + ",i=15000"
		return d{"conversationId", 1, "done", false, "payload", []byte(l.server), "ok", 1.0}
	}
	without, proof, _ := strings.Cut(string(payload), ",p=")
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	salted, err := pbkdf2.Key(sha256.New, l.options.Password, []byte("salt of sixteen!"), iterations, 32)
	if err != nil {
		return fail
	}
	message := l.first + "," + l.server + "," + without
	key := mac(salted, "Client Key")
	stored := sha256.Sum256(key)
	want := mac(stored[:], message)
	for i := range want {
		want[i] ^= key[i]
	}
	if proof != b64(want) || !strings.HasPrefix(l.first, "n="+l.options.User+",") {
		return fail
	}
	l.done = true
	return d{"conversationId", 1, "done", true, "payload", []byte("v=" + b64(mac(mac(salted, "Server Key"), message))), "ok", 1.0}
}
