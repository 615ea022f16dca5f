package procfs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/exporter/procfs"
)

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	f := procfs.New(path)
	if f.Path() != path {
		t.Errorf("path %s", f.Path())
	}
	if _, err := f.Read(); !os.IsNotExist(err) {
		t.Errorf("without a file: %v", err)
	}
	for _, tc := range []struct{ text, err string }{
		{"one\n", ""},
		{strings.Repeat("many lines\n", 10000), ""},
		{"few\n", ""},
		{"", "is empty"},
		{"one\ntw", "ends in the middle of a line"},
		{"well\n", ""},
	} {
		if err := os.WriteFile(path, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		text, err := f.Read()
		switch {
		case tc.err == "" && (err != nil || string(text) != tc.text):
			t.Errorf("want %d bytes, got %d, %v", len(tc.text), len(text), err)
		case tc.err != "" && (err == nil || !strings.HasSuffix(err.Error(), tc.err)):
			t.Errorf("want %q, got %v", tc.err, err)
		}
	}
}

func TestADirectoryIsAnError(t *testing.T) {
	f := procfs.New(t.TempDir())
	for range 2 {
		if text, err := f.Read(); err == nil {
			t.Errorf("got %q", text)
		}
	}
}

func TestReadDoesNotAllocate(t *testing.T) {
	f := procfs.New("/proc/stat")
	if _, err := f.Read(); err != nil {
		t.Fatal(err)
	}
	allocations := testing.AllocsPerRun(10, func() {
		if _, err := f.Read(); err != nil {
			t.Error(err)
		}
	})
	if allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func TestFields(t *testing.T) {
	var got []string
	for rest := []byte(" a  b\tc \n\nd"); len(rest) > 0; {
		var line []byte
		line, rest = procfs.Line(rest)
		for {
			var field []byte
			if field, line = procfs.Field(line); len(field) == 0 {
				break
			}
			got = append(got, string(field))
		}
		got = append(got, "|")
	}
	if s := strings.Join(got, " "); s != "a b c | | d |" {
		t.Errorf("got %s", s)
	}
}

func TestNumbers(t *testing.T) {
	for text, want := range map[string]uint64{"0": 0, "007": 7, "18446744073709551615": 1<<64 - 1} {
		if n, ok := procfs.Uint([]byte(text)); !ok || n != want {
			t.Errorf("%q: %d, %v", text, n, ok)
		}
	}
	for _, text := range []string{"", "-1", "1.5", "x", "18446744073709551616", "99999999999999999999"} {
		if n, ok := procfs.Uint([]byte(text)); ok {
			t.Errorf("%q is %d", text, n)
		}
	}
	for text, want := range map[string]float64{"0.00": 0, "12.34": 12.34, "7": 7, "0.1": 0.1} {
		if n, ok := procfs.Decimal([]byte(text)); !ok || n != want {
			t.Errorf("%q: %v, %v", text, n, ok)
		}
	}
	for _, text := range []string{"", ".", "-1.0", "1.x", "x", "1.2.3", "1234567890.123456"} {
		if n, ok := procfs.Decimal([]byte(text)); ok {
			t.Errorf("%q is %v", text, n)
		}
	}
	var into [3]uint64
	for line, want := range map[string]int{"1 2 3 4": 3, " 1 2": 2, "": 0} {
		if n, ok := procfs.Uints([]byte(line), into[:]); !ok || n != want {
			t.Errorf("%q: %d, %v", line, n, ok)
		}
	}
	if _, ok := procfs.Uints([]byte("1 x 3"), into[:]); ok {
		t.Error("x is a number")
	}
}

// Whatever is read, nothing panics and the lines are all of the text.
func FuzzParse(f *testing.F) {
	f.Add([]byte("cpu0 1 2 3\n0.5 x\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		length := 0
		for rest := text; len(rest) > 0; {
			var line []byte
			line, rest = procfs.Line(rest)
			length += len(line)
			var into [4]uint64
			procfs.Uints(line, into[:])
			field, _ := procfs.Field(line)
			procfs.Decimal(field)
		}
		if length+bytes.Count(text, []byte("\n")) != len(text) {
			t.Errorf("lines of %d bytes of %d", length, len(text))
		}
	})
}
