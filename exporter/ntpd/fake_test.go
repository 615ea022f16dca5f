package ntpd_test

import (
	"encoding/binary"
	"net"
	"slices"
	"testing"
)

// follows is what NTPsec 1.2.2 answered that follows one server, whose clock is ahead.
const follows = "stratum=6, rootdelay=49.967, rootdisp=25.138,\r\n" +
	"refid=192.0.2.1, reftime=0xeeac6b76.8565635c,\r\noffset=25.006585\r\n"

// fakeNTPD is no ntpd: it answers each operation with a fixed text.
type fakeNTPD struct {
	status    uint16
	text      string
	sources   []uint16
	size      int                             // of a piece; 0: no pieces
	backwards bool                            // the last piece first
	answer    func(packets [][]byte) [][]byte // what it sends instead; nil: just those
}

// listen serves until the test ends, and returns the address.
func (f fakeNTPD) listen(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		request := make([]byte, 1024)
		for {
			n, from, err := conn.ReadFrom(request)
			if err != nil {
				return // closed
			}
			packets := f.packets(request[:n])
			if f.answer != nil {
				packets = f.answer(packets)
			}
			for _, p := range packets {
				_, _ = conn.WriteTo(p, from)
			}
		}
	}()
	return conn.LocalAddr().String()
}

func (f fakeNTPD) packets(request []byte) (all [][]byte) {
	data := []byte(f.text)
	if request[1] == 1 {
		data = nil
		for _, word := range f.sources {
			data = binary.BigEndian.AppendUint16(data, word)
		}
	}
	size := f.size
	if size == 0 {
		size = len(data) + 1
	}
	for offset := 0; offset == 0 || offset < len(data); offset += size {
		end := min(offset+size, len(data))
		p := make([]byte, 12+(end-offset+3)&^3)
		p[0], p[1] = request[0], request[1]|0x80
		if end < len(data) {
			p[1] |= 0x20
		}
		copy(p[2:4], request[2:4])
		binary.BigEndian.PutUint16(p[4:], f.status)
		binary.BigEndian.PutUint16(p[8:], uint16(offset))
		binary.BigEndian.PutUint16(p[10:], uint16(end-offset))
		copy(p[12:], data[offset:end])
		all = append(all, p)
	}
	if f.backwards {
		slices.Reverse(all)
	}
	return all
}
