package journal

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// A line begins with lineHead and the fields that the fold wants, and ends in
// data and crc. crc is the CRC-32C of the line before crcHead.
const (
	lineHead   = `{"specversion":"1.0"`
	typePrefix = "io.fettle."
	crcHead    = `,"crc":"`
	crcLen     = len(crcHead) + 8 + len(`"}`)
)

// typeName is what a Draft.Type may be. The version .v1 is never spelled out.
var typeName = regexp.MustCompile(`^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)*$`)

// versioned finds the version at the end of a type.
var versioned = regexp.MustCompile(`\.v[0-9]+$`)

// wireType returns the type as it stands in the line.
func wireType(name string) (string, error) {
	if !typeName.MatchString(name) || strings.HasSuffix(name, ".v1") {
		return "", fmt.Errorf("%w: type %q is not a name such as run.planned", ErrRefused, name)
	}
	if versioned.MatchString(name) {
		return typePrefix + name, nil
	}
	return typePrefix + name + ".v1", nil
}

// localType undoes wireType. A foreign type stays whole, and so is unknown.
func localType(wire string) string {
	name, ours := strings.CutPrefix(wire, typePrefix)
	if !ours || !versioned.MatchString(name) {
		return wire
	}
	return strings.TrimSuffix(name, ".v1")
}

// lineMaker makes the lines of one journal. What comes again in the next line
// it keeps.
type lineMaker struct {
	// source is who writes, as //host/fettle/id.
	source string
	// types are the names that were checked, as they stand in a line.
	types map[string]string
	// at and times are the last reading, and how it stands in a line.
	at    Reading
	times []byte
}

// append appends the line of a record to dst, without newline. Its bytes are
// made here, once, and never again from what was parsed. It returns where in
// dst the data begins.
func (m *lineMaker) append(dst []byte, seq uint64, d *Draft) ([]byte, int, error) {
	if err := checkData(d.Data); err != nil {
		return dst, 0, fmt.Errorf("%w: data of %s: %w", ErrRefused, d.Type, err)
	}
	if d.ID == "" {
		return dst, 0, fmt.Errorf("%w: %s has no id", ErrRefused, d.Type)
	}
	wire, err := m.wireType(d.Type)
	if err != nil {
		return dst, 0, err
	}
	if err := m.read(d); err != nil {
		return dst, 0, err
	}
	begin := len(dst)
	dst = append(dst, lineHead+`,"seq":`...)
	dst = strconv.AppendUint(dst, seq, 10)
	dst, err = appendField(dst, "type", wire, err)
	dst, err = appendField(dst, "subject", d.Subject, err)
	dst = append(dst, m.times...)
	dst, err = appendField(dst, "id", d.ID, err)
	dst, err = appendField(dst, "source", m.source, err)
	if err != nil {
		return dst[:begin], 0, fmt.Errorf("%w: %s: %w", ErrRefused, d.Type, err)
	}
	if d.Critical {
		dst = append(dst, `,"critical":true`...)
	}
	dst = append(dst, `,"data":`...)
	data := len(dst)
	if d.Data == nil {
		dst = append(dst, "{}"...)
	} else {
		dst = append(dst, d.Data...)
	}
	dst = appendCRC(dst, dst[begin:])
	if n := len(dst) - begin; n > MaxLine {
		return dst[:begin], 0, fmt.Errorf("%w: %s makes a line of %d bytes, at most %d are taken", ErrRefused, d.Type, n, MaxLine)
	}
	return dst, data, nil
}

// wireType is wireType, once for each type.
func (m *lineMaker) wireType(name string) (string, error) {
	if wire, ok := m.types[name]; ok {
		return wire, nil
	}
	wire, err := wireType(name)
	if err != nil {
		return "", err
	}
	if m.types == nil {
		m.types = make(map[string]string)
	}
	if len(m.types) < 1024 { // a bound, should there be no end of them
		m.types[strings.Clone(name)] = wire
	}
	return wire, nil
}

// read makes the fields of a reading, unless it is the last one.
func (m *lineMaker) read(d *Draft) error {
	if m.times != nil && d.At == m.at {
		return nil
	}
	if year := d.At.Wall.Year(); year < 0 || year > 9999 {
		return fmt.Errorf("%w: the year %d of %s cannot be written", ErrRefused, year, d.Type)
	}
	times, err := appendField(m.times[:0], "boot", d.At.Boot, nil)
	m.times = nil // until they are made
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrRefused, d.Type, err)
	}
	// A string: CloudEvents' integers end at 2^31, and jq's at 2^53.
	times = append(times, `,"boottime":"`...)
	times = strconv.AppendInt(times, int64(d.At.Since), 10)
	times = append(times, `","time":"`...)
	times = d.At.Wall.UTC().AppendFormat(times, time.RFC3339Nano)
	m.at, m.times = d.At, append(times, '"')
	return nil
}

// appendField appends one attribute, unless there was an error before.
func appendField(dst []byte, name, value string, err error) ([]byte, error) {
	if value == "" || err != nil {
		return dst, err // CloudEvents: an attribute is not empty
	}
	dst = append(append(append(dst, `,"`...), name...), `":`...)
	return jsontext.AppendQuote(dst, value)
}

// checkData says why data cannot stand in a line.
func checkData(data []byte) error {
	switch v := jsontext.Value(data); {
	case data == nil:
		return nil
	case bytes.IndexByte(data, '\n') >= 0:
		return errors.New("a line break in the JSON")
	case len(data) == 0 || data[0] != '{' || data[len(data)-1] != '}':
		return errors.New("not one compact JSON object")
	case !v.IsValid():
		return errors.New("not valid JSON")
	}
	return nil
}

func crcOf(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// appendCRC closes a line.
func appendCRC(dst, body []byte) []byte {
	sum := crcOf(body)
	dst = append(dst, crcHead...)
	dst = hex.AppendEncode(dst, binary.BigEndian.AppendUint32(nil, sum))
	return append(dst, `"}`...)
}

// checkCRC returns the line before its crc, or says what is wrong.
func checkCRC(line []byte) ([]byte, error) {
	n := len(line) - crcLen
	if n < len(lineHead) {
		return nil, errors.New("not a record: too short")
	}
	var room [crcLen]byte
	want := appendCRC(room[:0], line[:n])
	if !bytes.Equal(line[n:], want) {
		if !bytes.HasPrefix(line[n:], []byte(crcHead)) {
			return nil, errors.New("not a record: no crc at its end")
		}
		return nil, fmt.Errorf("crc does not fit the line: want %s, found %q",
			want[len(crcHead):crcLen-2], line[n+len(crcHead):len(line)-2])
	}
	return line[:n], nil
}
