package chrony_test

import (
	"encoding/binary"
	"encoding/hex"
	"net"
	"slices"
	"testing"
)

// Replies of chronyd 4.3 behind their header: one source, on the same host, whose clock
// runs 100 seconds ahead; and a chronyd with `local stratum 10` and no source.
const (
	trackingBehind = "7f0000017f0000010000000000000000000000000001000000090000000000006b01d40728fb2c6910c80001d08d0538ded4584ff6f80455eb596657fef00829e4e1afe6de9ea2bd02801864"
	trackingLocal  = "7f7f01010000000000000000000000000000000000000000000a0000000000006b01d4c717971bfc000000000000000000000000000000000000000000000000000000000000000000000000"
	selected       = "7f000001000000000000000000000000000100000000000800000000000000ff00000001df31b515df309b0ae4855e05"
	silent         = "7f00000200000000000000000000000000010000000000000001000000000000ffffffff000000000000000000000000"
)

// fakeChronyd is no chronyd: it answers each command with a fixed reply.
type fakeChronyd struct {
	tracking string
	sources  []string
	count    uint32                                     // of sources, as it claims; 0: as many as there are
	answer   func(request, reply []byte) (all [][]byte) // what it sends instead of reply; nil: just that
}

// listen serves until the test ends, and returns the address.
func (f fakeChronyd) listen(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	f.serve(conn)
	return conn.LocalAddr().String()
}

// serve answers until conn is closed.
func (f fakeChronyd) serve(conn net.PacketConn) {
	go func() {
		request := make([]byte, 1024)
		for {
			n, from, err := conn.ReadFrom(request)
			if err != nil {
				return // closed
			}
			reply := f.reply(request[:n])
			all := [][]byte{reply}
			if f.answer != nil {
				all = f.answer(request[:n], reply)
			}
			for _, r := range all {
				_, _ = conn.WriteTo(r, from)
			}
		}
	}()
}

func (f fakeChronyd) reply(request []byte) []byte {
	reply := make([]byte, 28)
	reply[0], reply[1] = 6, 2
	copy(reply[4:6], request[4:6])    // the command
	copy(reply[16:20], request[8:12]) // the sequence
	kind := func(n uint16, body []byte) []byte {
		binary.BigEndian.PutUint16(reply[6:], n)
		return slices.Concat(reply, body)
	}
	index := binary.BigEndian.Uint32(request[20:])
	switch binary.BigEndian.Uint16(request[4:]) {
	case 33:
		return kind(5, raw(f.tracking))
	case 14:
		count := f.count
		if count == 0 {
			count = uint32(len(f.sources))
		}
		return kind(2, binary.BigEndian.AppendUint32(nil, count))
	case 15:
		if index < uint32(len(f.sources)) {
			return kind(3, raw(f.sources[index]))
		}
		binary.BigEndian.PutUint16(reply[8:], 4)
	default:
		binary.BigEndian.PutUint16(reply[8:], 3)
	}
	return kind(1, nil)
}

func raw(text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return b
}
