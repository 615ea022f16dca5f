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
		return "", fmt.Errorf("%q is not a type such as run.planned", name)
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
// it keeps as it stands there.
type lineMaker struct {
	source []byte // the field
	types  map[string][]byte
	at     Reading
	times  []byte // the fields of at
}

// newLineMaker is for lines of this source, such as //host/fettle/id.
func newLineMaker(source string) (lineMaker, error) {
	field, err := appendField(nil, "source", source)
	return lineMaker{source: field, types: make(map[string][]byte)}, err
}

// append appends the line of a record to dst, without newline. Its bytes are
// made here, once, and never again from what was parsed.
func (m *lineMaker) append(dst []byte, seq uint64, d *Draft) ([]byte, error) {
	begin := len(dst)
	refuse := func(err error) ([]byte, error) {
		return dst[:begin], fmt.Errorf("%w: %s: %w", ErrRefused, d.Type, err)
	}
	if err := checkDraft(d); err != nil {
		return refuse(err)
	}
	wire, err := m.wireType(d.Type)
	if err != nil {
		return refuse(err)
	}
	if err := m.read(d.At); err != nil {
		return refuse(err)
	}
	dst = append(dst, lineHead+`,"seq":`...)
	dst = append(strconv.AppendUint(dst, seq, 10), wire...)
	if dst, err = appendField(dst, "subject", d.Subject); err != nil {
		return refuse(err)
	}
	dst = append(dst, m.times...)
	if dst, err = appendField(dst, "id", d.ID); err != nil {
		return refuse(err)
	}
	dst = append(dst, m.source...)
	if d.Critical {
		dst = append(dst, `,"critical":true`...)
	}
	dst = append(dst, `,"data":`...)
	if d.Data == nil {
		dst = append(dst, "{}"...)
	} else {
		dst = append(dst, d.Data...)
	}
	dst = appendCRC(dst, dst[begin:])
	if n := len(dst) - begin; n > MaxLine {
		return refuse(fmt.Errorf("a line of %d bytes, at most %d are taken", n, MaxLine))
	}
	return dst, nil
}

// wireType makes the field of a type, once.
func (m *lineMaker) wireType(name string) ([]byte, error) {
	if field, ok := m.types[name]; ok {
		return field, nil
	}
	wire, err := wireType(name)
	if err != nil {
		return nil, err
	}
	field, err := appendField(nil, "type", wire)
	if err == nil && len(m.types) < 1024 { // a bound, should there be no end of them
		m.types[strings.Clone(name)] = field
	}
	return field, err
}

// read makes the fields of a reading, unless it is the last one.
func (m *lineMaker) read(at Reading) error {
	if m.times != nil && at == m.at {
		return nil
	}
	if year := at.Wall.Year(); year < 0 || year > 9999 {
		return fmt.Errorf("the year %d cannot be written", year)
	}
	times, err := appendField(m.times[:0], "boot", at.Boot)
	m.times = nil // until they are made
	if err != nil {
		return err
	}
	// A string: CloudEvents' integers end at 2^31, and jq's at 2^53.
	times = append(times, `,"boottime":"`...)
	times = strconv.AppendInt(times, int64(at.Since), 10)
	times = append(times, `","time":"`...)
	times = at.Wall.UTC().AppendFormat(times, time.RFC3339Nano)
	m.at, m.times = at, append(times, '"')
	return nil
}

// appendField appends one attribute. CloudEvents: it is not empty.
func appendField(dst []byte, name, value string) ([]byte, error) {
	if value == "" {
		return dst, nil
	}
	dst = append(append(append(dst, `,"`...), name...), `":`...)
	if plain(value) { // as nearly all are
		return append(append(append(dst, '"'), value...), '"'), nil
	}
	return jsontext.AppendQuote(dst, value)
}

// plain tells that a text stands in JSON as it is: printable ASCII without escapes.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// checkDraft says what a line cannot be made of.
func checkDraft(d *Draft) error {
	if d.ID == "" {
		return errors.New("it has no id")
	}
	if d.Encoded {
		return nil
	}
	if err := checkData(d.Data); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	return nil
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
	var room [4]byte
	dst = hex.AppendEncode(dst, binary.BigEndian.AppendUint32(room[:0], sum))
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
