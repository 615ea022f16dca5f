package mongodb

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// The examples of bsonspec.org.
func TestBSONExamples(t *testing.T) {
	hello := "\x16\x00\x00\x00\x02hello\x00\x06\x00\x00\x00world\x00\x00"
	if got := (document{{"hello", "world"}}).append(nil); string(got) != hello {
		t.Errorf("% x", got)
	}
	awesome := "\x31\x00\x00\x00\x04BSON\x00\x26\x00\x00\x00\x020\x00\x08\x00\x00\x00awesome\x00\x011\x00\x33\x33\x33\x33\x33\x33\x14\x40\x102\x00\xc2\x07\x00\x00\x00\x00"
	for text, want := range map[string]document{
		hello:   {{"hello", "world"}},
		awesome: {{"BSON", document{{"0", "awesome"}, {"1", 5.05}, {"2", int64(1986)}}}},
	} {
		r := reader{[]byte(text)}
		if got, err := r.document(0); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
}

func TestBSONRefuses(t *testing.T) {
	doc := func(body string) string {
		return string(binary.LittleEndian.AppendUint32(nil, uint32(len(body)+5))) + body + "\x00"
	}
	deep := ""
	for range 100 {
		deep = doc("\x03a\x00" + deep + strings.Repeat("\x05\x00\x00\x00\x00", map[bool]int{true: 1}[deep == ""]))
	}
	for name, text := range map[string]string{
		"nothing": "", "a length alone": "\x05\x00\x00\x00", "too short": "\x04\x00\x00\x00\x00", "too long": "\xff\xff\xff\x7f\x00", "negative": "\xff\xff\xff\xff\x00",
		"no end": "\x06\x00\x00\x00\x0a\x00", "a key without end": doc("\x0aabc")[:8], "a text of 4 GB": doc("\x02a\x00\xff\xff\xff\xff"), "a text of nothing": doc("\x02a\x00\x00\x00\x00\x00"),
		"a text without end": doc("\x02a\x00\x02\x00\x00\x00ab"), "bytes of 4 GB": doc("\x05a\x00\xff\xff\xff\xff\x00"), "an unknown type": doc("\x42a\x00"), "after the end": "\x07\x00\x00\x00\x00ab",
		"deep": deep, "half a number": doc("\x12a\x00abc"),
	} {
		r := reader{[]byte(text)}
		if d, err := r.document(0); err == nil {
			t.Errorf("%s: was taken as %v", name, d)
		}
	}
}

// Whatever comes in is read or refused, and what is read is no larger than what came in.
func FuzzBSON(f *testing.F) {
	f.Add([]byte("\x16\x00\x00\x00\x02hello\x00\x06\x00\x00\x00world\x00\x00"))
	f.Add((document{{"a", document{{"b", int32(1)}, {"c", []byte("x")}, {"d", true}}}}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := reader{bytes.Clone(b)}
		d, err := r.document(0)
		if err == nil && len(d) > len(b) {
			t.Errorf("%d fields of %d bytes", len(d), len(b))
		}
		_ = d.number("a") + d.sub("a").number("b")
	})
}

// message is an OP_MSG that answers the first question.
func message(flags uint32, doc document, change func([]byte)) []byte {
	b := append([]byte(nil), make([]byte, headerSize)...)
	b = binary.LittleEndian.AppendUint32(b, flags)
	b = doc.append(append(b, 0))
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	binary.LittleEndian.PutUint32(b[8:], 1)
	binary.LittleEndian.PutUint32(b[12:], opMsg)
	if change != nil {
		change(b)
	}
	return b
}

func TestAnswers(t *testing.T) {
	ok := document{{"ok", int32(1)}}
	put := func(at int, n uint32) func([]byte) {
		return func(b []byte) { binary.LittleEndian.PutUint32(b[at:], n) }
	}
	for _, tc := range []struct {
		name, want string
		says       []byte
	}{
		{"well", "", message(0, ok, nil)},
		{"refuses", cluster.Other, message(0, document{{"ok", int32(0)}, {"code", int32(76)}, {"errmsg", "not running with --replSet"}}, nil)},
		{"no right", cluster.BadAuth, message(0, document{{"ok", int32(0)}, {"code", int32(13)}}, nil)},
		{"too old for hello", cluster.BadVersion, message(0, document{{"ok", int32(0)}, {"code", int32(59)}}, nil)},
		{"no ok", cluster.Other, message(0, document{}, nil)},
		{"another question's", cluster.BadProtocol, message(0, ok, put(8, 9))},
		{"OP_REPLY", cluster.BadProtocol, message(0, ok, put(12, 1))},
		{"more to come", cluster.BadProtocol, message(2, ok, nil)},
		{"100 MB", cluster.TooLarge, message(0, ok, put(0, 100<<20))},
		{"too short", cluster.BadProtocol, message(0, ok, put(0, 17))},
		{"a document cut off", cluster.BadProtocol, message(0, ok, put(headerSize+5, 500))},
		{"HTTP", cluster.BadProtocol, []byte("HTTP/1.1 400 Bad Request\r\n\r\n")},
		{"SSH", cluster.BadProtocol, []byte("SSH-2.0-OpenSSH_9.2\r\n")},
		{"half a head", cluster.BadProtocol, []byte("SSH")},
		{"it hangs up", cluster.Other, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			near, far := net.Pipe()
			go func() {
				_, _ = far.Read(make([]byte, 4096))
				_, _ = far.Write(tc.says)
				_ = far.Close()
			}()
			c := &conn{Stream: line.StreamOf(near, mostBytes)}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := c.run(ctx, "admin", document{{"ping", int32(1)}})
			if got := line.Reason(err); got != tc.want {
				t.Errorf("%q (%v), want %q", got, err, tc.want)
			}
			_, _ = io.Copy(io.Discard, near)
		})
	}
}
