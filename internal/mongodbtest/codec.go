package mongodbtest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"time"
)

// d is a document: keys and values in turn.
type d []any

// stamp is a position in the oplog.
type stamp struct{ seconds, count uint32 }

// encode writes a document. Numbers have the types that MongoDB gives them: int is an
// int32, int64 and float64 are themselves.
func encode(doc d) []byte {
	var b bytes.Buffer
	for i := 0; i+1 < len(doc); i += 2 {
		element(&b, doc[i].(string), doc[i+1])
	}
	b.WriteByte(0)
	out := binary.LittleEndian.AppendUint32(nil, uint32(b.Len()+4))
	return append(out, b.Bytes()...)
}

func element(b *bytes.Buffer, key string, value any) {
	begin := func(kind byte) { b.WriteByte(kind); b.WriteString(key); b.WriteByte(0) }
	le := func(v any) { _ = binary.Write(b, binary.LittleEndian, v) }
	switch v := value.(type) {
	case float64:
		begin(1)
		le(math.Float64bits(v))
	case string:
		begin(2)
		le(int32(len(v) + 1))
		b.WriteString(v + "\x00")
	case d:
		begin(3)
		b.Write(encode(v))
	case []any:
		begin(4)
		var list d
		for i, e := range v {
			list = append(list, fmt.Sprint(i), e)
		}
		b.Write(encode(list))
	case []byte:
		begin(5)
		le(int32(len(v)))
		b.WriteByte(0)
		b.Write(v)
	case [12]byte:
		begin(7)
		b.Write(v[:])
	case bool:
		begin(8)
		le(v)
	case time.Time:
		begin(9)
		le(v.UnixMilli())
	case nil:
		begin(10)
	case int:
		begin(16)
		le(int32(v))
	case int32:
		begin(16)
		le(v)
	case stamp:
		begin(17)
		le(v.count)
		le(v.seconds)
	case int64:
		begin(18)
		le(v)
	default:
		panic(fmt.Sprintf("a stand-in cannot say %T", value))
	}
}

// question reads an OP_MSG and returns its number and the parts of its document that the
// stand-in looks at: texts, numbers and bytes by key, documents within it left out.
func question(c net.Conn) (id uint32, name string, parts map[string]any, err error) {
	var head [16]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return 0, "", nil, err
	}
	le := binary.LittleEndian
	body := make([]byte, le.Uint32(head[:])-16)
	if _, err := io.ReadFull(c, body); err != nil {
		return 0, "", nil, err
	}
	const exhaustAllowed = 1 << 16 // more than one answer would be taken, and one does
	if le.Uint32(head[12:]) != 2013 || le.Uint32(body)&^exhaustAllowed != 0 || body[4] != 0 || int(le.Uint32(body[5:])) != len(body)-5 {
		return 0, "", nil, fmt.Errorf("no OP_MSG: % x % x", head, body)
	}
	parts = map[string]any{}
	for b := body[9:]; b[0] != 0; {
		kind, rest := b[0], b[1:]
		end := bytes.IndexByte(rest, 0)
		key := string(rest[:end])
		if name == "" {
			name = key
		}
		b = rest[end+1:]
		size := map[byte]int{1: 8, 2: 4, 3: 0, 4: 0, 5: 5, 8: 1, 16: 4, 18: 8}[kind]
		switch kind {
		case 2:
			n := int(le.Uint32(b))
			parts[key], size = string(b[4:4+n-1]), size+n
		case 3, 4:
			size = int(le.Uint32(b))
			parts[key] = append([]byte(nil), b[:size]...)
		case 5:
			n := int(le.Uint32(b))
			parts[key], size = append([]byte(nil), b[5:5+n]...), size+n
		case 16:
			parts[key] = int(int32(le.Uint32(b)))
		case 18:
			parts[key] = int(int64(le.Uint64(b)))
		case 8:
			parts[key] = b[0] == 1
		default:
			return 0, "", nil, fmt.Errorf("a question with an element of type %d", kind)
		}
		b = b[size:]
	}
	return le.Uint32(head[4:]), name, parts, nil
}

// answer writes an OP_MSG, with a checksum, which is none, where it is told to.
func answer(c net.Conn, to uint32, doc d, checksum bool) error {
	body := append([]byte{0, 0, 0, 0, 0}, encode(doc)...)
	if checksum {
		body[0] = 1
		body = append(body, 1, 2, 3, 4)
	}
	head := make([]byte, 16)
	le := binary.LittleEndian
	le.PutUint32(head, uint32(len(body)+16))
	le.PutUint32(head[4:], 7)
	le.PutUint32(head[8:], to)
	le.PutUint32(head[12:], 2013)
	_, err := c.Write(slices.Concat(head, body))
	return err
}
