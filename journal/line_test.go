package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestLineProperty writes any draft, and reads it back with the scanner and
// with a JSON decoder.
func TestLineProperty(t *testing.T) {
	var p parser
	m, err := newLineMaker("//host/fettle/id")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		data, err := json.Marshal(rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "data"))
		if err != nil {
			t.Fatal(err)
		}
		want := Draft{
			Type:     rapid.SampledFrom([]string{"received", "run.planned", "run.planned.v2", "a-b.c_d"}).Draw(t, "type"),
			Subject:  rapid.String().Draw(t, "subject"),
			Critical: rapid.Bool().Draw(t, "critical"),
			At: Reading{
				Wall:  time.Unix(rapid.Int64Range(0, 1<<34).Draw(t, "wall"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC(),
				Boot:  rapid.String().Draw(t, "boot"),
				Since: time.Duration(rapid.Int64().Draw(t, "since")),
			},
			ID:   rapid.StringN(1, 60, -1).Draw(t, "id"),
			Data: data,
		}
		seq := rapid.Uint64Range(0, 1<<40).Draw(t, "seq")
		line, err := m.append([]byte("before"), seq, &want)
		if err != nil {
			t.Fatal(err)
		}
		line = line[len("before"):]
		got, err := p.parse(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if got.Seq != seq || fmt.Sprintf("%#v", got.Draft) != fmt.Sprintf("%#v", want) {
			t.Fatalf("%s\nreads as %#v\nwant %#v", line, got.Draft, want)
		}
		var decoded struct {
			Subject, Boot, ID string
			Time              time.Time
			Seq               uint64
			Data              json.RawMessage
		}
		if err := json.Unmarshal(line, &decoded); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if decoded.Subject != want.Subject || decoded.Boot != want.At.Boot || decoded.ID != want.ID || decoded.Seq != seq || !decoded.Time.Equal(want.At.Wall) || !bytes.Equal(decoded.Data, data) {
			t.Fatalf("%s\ndecodes as %+v", line, decoded)
		}
	})
}

// closed gives a body the crc that fits it.
func closed(body string) []byte { return appendCRC([]byte(body), []byte(body)) }

func TestParseRefuses(t *testing.T) {
	const good = `{"specversion":"1.0","seq":1,"type":"io.fettle.received.v1","time":"2026-11-21T02:34:00Z","id":"x","data":{}`
	var p parser
	if _, err := p.parse(closed(good)); err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"nothing":                "",
		"another head":           strings.Replace(good, `"1.0"`, `"1.1"`, 1),
		"no seq":                 strings.Replace(good, `"seq":1,`, ``, 1),
		"a seq that is none":     strings.Replace(good, `"seq":1,`, `"seq":-1,`, 1),
		"a type that is none":    strings.Replace(good, `"io.fettle.received.v1"`, `7`, 1),
		"a time that is none":    strings.Replace(good, `2026-11-21T02:34:00Z`, `yesterday`, 1),
		"no data":                strings.Replace(good, `,"data":{}`, ``, 1),
		"a string without end":   strings.Replace(good, `"id":"x","data":{}`, `"id":"x`, 1),
		"a name without end":     good[:strings.Index(good, `"id"`)+3],
		"a value that is none":   strings.Replace(good, `"seq":1`, `"seq"`, 1),
		"an escape that is none": strings.Replace(good, `"id":"x"`, `"id":"\q"`, 1),
	}
	for name, body := range tests {
		if r, err := p.parse(closed(body)); err == nil {
			t.Errorf("%s: %s\nreads as %+v", name, body, r)
		}
	}
}

func TestParsePassesOverNewAttributes(t *testing.T) {
	var p parser
	r, err := p.parse(closed(`{"specversion":"1.0","seq":1,"type":"io.fettle.received.v1","epoch":7,"actor":"a,\"b","new":true,"time":"2026-11-21T02:34:00Z","id":"x","data":{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if r.Seq != 1 || r.ID != "x" || string(r.Data) != `{"a":1}` {
		t.Errorf("%+v", r)
	}
}

func TestTypeNames(t *testing.T) {
	for wire, local := range map[string]string{
		"io.fettle.received.v1":    "received",
		"io.fettle.received.v2":    "received.v2",
		"io.fettle.run.planned.v1": "run.planned",
		"io.fettle.received":       "io.fettle.received",
		"com.example.received.v1":  "com.example.received.v1",
	} {
		if got := localType(wire); got != local {
			t.Errorf("%s is %s here, want %s", wire, got, local)
		}
	}
}

// FuzzParse demands that no line makes the parser panic, and that what it takes
// can be told from a torn write.
func FuzzParse(f *testing.F) {
	f.Add(`{"specversion":"1.0","seq":1,"type":"io.fettle.received.v1","time":"2026-11-21T02:34:00Z","id":"x","data":{}`)
	f.Add(`{"specversion":"1.0","seq":`)
	f.Fuzz(func(t *testing.T, body string) {
		var p parser
		line := closed(body)
		r, err := p.parse(line)
		if err == nil && (r.Data == nil || !bytes.Equal(r.Line, line)) {
			t.Errorf("%s reads as %+v", line, r)
		}
		if _, err := p.parse(line[:len(line)-1]); err == nil {
			t.Errorf("%s is taken without its last byte", line)
		}
	})
}
