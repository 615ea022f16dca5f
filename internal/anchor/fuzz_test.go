package anchor_test

import (
	"bytes"
	"testing"

	"github.com/fettle-io/fettle/internal/anchor"
)

// Whatever a server or a log says: what is found are checkpoints, in its order.
func FuzzNotes(f *testing.F) {
	f.Add([]byte("h/fettle/j\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— h/fettle/j AAAA\n"))
	f.Add([]byte(`{"checkpoint":"h/fettle/j\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— x\n"}`))
	f.Add([]byte(`x checkpoint "h\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\u2014 x\n"`))
	f.Add([]byte("checkpoint \"\\\n{\"checkpoint\":\n— \n\n\n\n— "))
	f.Fuzz(func(t *testing.T, text []byte) {
		notes, err := anchor.Notes(bytes.NewReader(text))
		if err == nil && len(notes) == 0 {
			t.Error("nothing found, and no error")
		}
		for _, n := range notes {
			if _, err := anchor.Parse(n); err != nil {
				t.Errorf("%q: %v", n, err)
			}
		}
	})
}
