package mysqltest

import (
	"bufio"
	"bytes"
	"crypto/sha1" //nolint:gosec // mysql_native_password is made of it
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"time"
)

// dialogue is one connection. number is the next packet's.
type dialogue struct {
	*StandIn
	conn   net.Conn
	in     *bufio.Reader
	number byte
}

var salt = []byte("abcdefghijklmnopqrst") //nolint:gochecknoglobals // read only

const native = "mysql_native_password"

func (d *dialogue) login() error {
	const capabilities = 0x1 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x80000
	g := append([]byte{10}, d.version...)
	g = append(g, 0, 7, 0, 0, 0)
	g = append(append(g, salt[:8]...), 0)
	g = binary.LittleEndian.AppendUint16(g, capabilities&0xffff)
	g = append(g, 33, 2, 0)
	g = binary.LittleEndian.AppendUint16(g, capabilities>>16)
	g = append(append(g, 21), make([]byte, 10)...)
	g = append(append(append(g, salt[8:]...), 0), native+"\x00"...)
	if err := d.send(g); err != nil {
		return err
	}
	p, err := d.receive()
	if err != nil || len(p) < 33 {
		return errors.Join(err, io.ErrUnexpectedEOF)
	}
	user, rest, _ := bytes.Cut(p[32:], []byte{0})
	if string(user) == d.user && len(rest) > 0 && bytes.HasPrefix(rest[1:], scramble(d.password)) && (d.password != "" || rest[0] == 0) {
		return d.send([]byte{0, 0, 0, 2, 0, 0, 0})
	}
	_ = d.refuse(1045, "Access denied for user '"+string(user)+"'@'localhost' (using password: YES)")
	return errors.New("refused")
}

func scramble(password string) []byte {
	if password == "" {
		return nil
	}
	once := sha1.Sum([]byte(password))                                //nolint:gosec // the protocol's
	twice := sha1.Sum(once[:])                                        //nolint:gosec // the protocol's
	mixed := sha1.Sum(append(append([]byte{}, salt...), twice[:]...)) //nolint:gosec // the protocol's
	for i := range mixed {
		mixed[i] ^= once[i]
	}
	return mixed[:]
}

// answer answers one question.
func (d *dialogue) answer() error {
	p, err := d.receive()
	if err != nil || len(p) == 0 || p[0] == 1 { // COM_QUIT
		return errors.Join(err, io.EOF)
	}
	switch a := d.find(string(p[1:])); {
	case d.behaviour() == Frozen:
		<-d.end.Done()
		return io.EOF
	case p[0] != 3: // COM_QUERY
		return d.refuse(1047, "Unknown command")
	case d.behaviour() == Flooding:
		return d.flood()
	case a.Error != 0:
		return d.refuse(a.Error, a.Text)
	case len(a.Columns) == 0:
		return d.send([]byte{0, 0, 0, 2, 0, 0, 0})
	default:
		return d.table(a)
	}
}

func (d *dialogue) table(a Answer) error {
	if err := d.columns(a.Columns); err != nil {
		return err
	}
	for _, cells := range a.Rows {
		var p []byte
		for _, c := range cells {
			if text, ok := c.(string); ok {
				p = appendText(p, text)
			} else {
				p = append(p, 0xfb)
			}
		}
		if err := d.send(p); err != nil {
			return err
		}
	}
	return d.eof()
}

func (d *dialogue) columns(names []string) error {
	if err := d.send([]byte{byte(len(names))}); err != nil { //nolint:gosec // a few
		return err
	}
	for _, name := range names {
		p := appendText(nil, "def")
		for range 3 { // schema, table, original table
			p = appendText(p, "")
		}
		p = appendText(appendText(p, name), name)
		p = append(p, 0x0c, 33, 0, 0, 1, 0, 0, 0xfd, 0, 0, 0, 0, 0)
		if err := d.send(p); err != nil {
			return err
		}
	}
	return d.eof()
}

// flood sends 100 MB of rows.
func (d *dialogue) flood() error {
	if err := d.columns([]string{"x"}); err != nil {
		return err
	}
	p := appendText(nil, strings.Repeat("x", 1<<15))
	for range 100 << 20 >> 15 {
		if err := d.send(p); err != nil {
			return err
		}
	}
	return d.eof()
}

func (d *dialogue) eof() error { return d.send([]byte{0xfe, 0, 0, 2, 0}) }

func (d *dialogue) refuse(number uint16, text string) error {
	p := binary.LittleEndian.AppendUint16([]byte{0xff}, number)
	return d.send(append(p, "#HY000"+text...))
}

func appendText(p []byte, s string) []byte {
	if len(s) < 251 {
		p = append(p, byte(len(s)))
	} else {
		p = append(append(p, 0xfd), byte(len(s)), byte(len(s)>>8), byte(len(s)>>16)) //nolint:gosec // its three bytes
	}
	return append(p, s...)
}

func (d *dialogue) send(p []byte) error {
	whole := append([]byte{byte(len(p)), byte(len(p) >> 8), byte(len(p) >> 16), d.number}, p...) //nolint:gosec // its three bytes
	d.number++
	if d.behaviour() != Dripping {
		_, err := d.conn.Write(whole)
		return err
	}
	for i := range whole {
		if _, err := d.conn.Write(whole[i : i+1]); err != nil {
			return err
		}
		select {
		case <-d.end.Done():
			return io.EOF
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}

func (d *dialogue) receive() ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(d.in, head); err != nil {
		return nil, err
	}
	d.number = head[3] + 1
	p := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	_, err := io.ReadFull(d.in, p)
	return p, err
}
