package procfs

import (
	"bytes"
	"math"
)

// Line is the first line of text, without its end, and what follows it.
func Line(text []byte) (line, rest []byte) {
	i := bytes.IndexByte(text, '\n')
	if i < 0 {
		return text, nil
	}
	return text[:i], text[i+1:]
}

// Field is the first field of line, which blanks or tabs part, and what follows it;
// empty when there is none.
func Field(line []byte) (field, rest []byte) {
	begin := 0
	for begin < len(line) && blank(line[begin]) {
		begin++
	}
	end := begin
	for end < len(line) && !blank(line[end]) {
		end++
	}
	return line[begin:end], line[end:]
}

func blank(b byte) bool { return b == ' ' || b == '\t' }

// Uint is the number that field is; false if it is none, or one of more than 64 bits.
func Uint(field []byte) (uint64, bool) {
	if len(field) == 0 {
		return 0, false
	}
	var n uint64
	for _, b := range field {
		d := uint64(b - '0')
		if d > 9 || n > (math.MaxUint64-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}

// Uints reads numbers from the beginning of line until into is full or the line
// ends, and tells how many there were; false if one of them is no number.
func Uints(line []byte, into []uint64) (int, bool) {
	for i := range into {
		var field []byte
		if field, line = Field(line); len(field) == 0 {
			return i, true
		}
		n, ok := Uint(field)
		if !ok {
			return i, false
		}
		into[i] = n
	}
	return len(into), true
}

// Decimal is the number with at most 15 digits and a decimal point, such as a load
// average, that field is; false if it is none.
func Decimal(field []byte) (float64, bool) {
	whole, fraction, _ := bytes.Cut(field, []byte("."))
	if len(whole)+len(fraction) > 15 {
		return 0, false
	}
	n, ok := Uint(whole)
	if !ok {
		return 0, false
	}
	value, scale := n, uint64(1)
	for _, b := range fraction {
		d := uint64(b - '0')
		if d > 9 {
			return 0, false
		}
		value, scale = value*10+d, scale*10
	}
	return float64(value) / float64(scale), true
}
