package kafka

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// framed is an answer to the first question.
func framed(body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)+4))
	b = binary.BigEndian.AppendUint32(b, 1)
	return append(b, body...)
}

func TestAnswers(t *testing.T) {
	const nothing = "\x00\x00\x00\x00"
	one := "\x00\x00\x00\x07" + "\x00\x04host" + "\x00\x00\x23\x84" + "\xff\xff"
	whole := nothing + "\x00\x00\x00\x01" + one + "\x00\x02id" + "\x00\x00\x00\x07" + nothing
	for _, tc := range []struct {
		name, want string
		says       []byte
	}{
		{"well", "", framed(whole)},
		{"cut off", cluster.BadProtocol, framed(whole[:20])},
		{"a list of a billion", cluster.BadProtocol, framed(nothing + "\x40\x00\x00\x00" + one)},
		{"a text longer than all", cluster.BadProtocol, framed(nothing + "\x00\x00\x00\x01" + "\x00\x00\x00\x07\x7f\xffhost")},
		{"nothing", cluster.BadProtocol, framed("")},
		{"another question's", cluster.BadProtocol, append([]byte{0, 0, 0, 8, 0, 0, 0, 9}, nothing...)},
		{"100 MB", cluster.TooLarge, []byte{6, 0x40, 0, 0, 0, 0, 0, 1}},
		{"negative", cluster.TooLarge, []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1}},
		{"HTTP", cluster.BadProtocol, []byte("HTTP/1.1 400 Bad Request\r\n\r\n")},
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
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			m, err := metadataOf(ctx, &conn{Stream: line.StreamOf(near, mostBytes)}, false)
			if got := line.Reason(err); got != tc.want {
				t.Errorf("%q (%v), want %q", got, err, tc.want)
			}
			if err == nil && (m.id != "id" || m.controller != 7 || m.brokers[0] != broker{7, "host:9092"}) {
				t.Errorf("%+v", m)
			}
			_, _ = io.Copy(io.Discard, near)
		})
	}
}

func TestVersions(t *testing.T) {
	offers := func(skip int16, from, to uint16) []byte {
		body := binary.BigEndian.AppendUint32([]byte{0, 0}, 5)
		for _, a := range []api{metadata(), listOffsets(), findCoordinator(), offsetFetch(), describeConfigs()} {
			least, most := uint16(0), uint16(9)
			if a.key == skip {
				least, most = from, to
			}
			body = binary.BigEndian.AppendUint16(body, uint16(a.key))
			body = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(body, least), most)
		}
		return framed(string(body))
	}
	for _, tc := range []struct {
		name, want, why string
		says            []byte
	}{
		{"all of them", "", "", offers(-1, 0, 0)},
		{"too old", cluster.BadVersion, "Metadata in the versions 0 to 3, and not in 5", offers(metadata().key, 0, 3)},
		{"never seen", cluster.BadVersion, "OffsetFetch in the versions 11 to 20, and not in 5", offers(offsetFetch().key, 11, 20)},
		{"nothing at all", cluster.BadVersion, "Metadata", framed("\x00\x00\x00\x00\x00\x00")},
		{"it refuses", cluster.BadVersion, "ApiVersions: error 35", framed("\x00\x23\x00\x00\x00\x00")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			near, far := net.Pipe()
			go func() {
				_, _ = far.Read(make([]byte, 4096))
				_, _ = far.Write(tc.says)
			}()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			err := (&asked{}).begin(ctx, &conn{Stream: line.StreamOf(near, mostBytes)})
			if got := line.Reason(err); got != tc.want || !strings.Contains(line.Why(err), tc.why) {
				t.Errorf("%q (%v), want %q %q", got, err, tc.want, tc.why)
			}
		})
	}
}

// Whatever comes in is read or refused, and what is read is no larger than what came in.
func FuzzMetadata(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x07\x00\x04host\x00\x00\x23\x84\xff\xff\x00\x02id\x00\x00\x00\x07\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &reader{b: b}
		n := 0
		r.list(func() { n++; _, _ = r.string(), r.ids(); r.skipBytes() })
		if n > len(b) {
			t.Errorf("%d elements of %d bytes", n, len(b))
		}
	})
}
