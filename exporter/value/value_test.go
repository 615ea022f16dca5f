//go:build unix

package value

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestKey(t *testing.T) {
	const text = "\ufeff" // of an editor: belongs to the first line's key
	for name, tc := range map[string]struct {
		in, key, want string
		reason        Reason
	}{
		"equals sign":            {"a = 1\nb=2\n", "b", "2", ""},
		"colon":                  {"a: 1\n", "a", "1", ""},
		"blank":                  {"PermitRootLogin no\n", "PermitRootLogin", "no", ""},
		"tabs, CRLF":             {"PermitRootLogin\tno\r\n", "PermitRootLogin", "no", ""},
		"quotes":                 {"a = \"x # y\" # z\n", "a", "x # y", ""},
		"single quotes":          {"a = 'on'\n", "a", "on", ""},
		"a comment behind":       {"a = 5 # five\n", "a", "5", ""},
		"a semicolon":            {"worker_connections 1024;\n", "worker_connections", "1024", ""},
		"commented out":          {"#a = 1\n;a = 1\n", "a", "", Absent},
		"a section":              {"[Journal]\nSystemMaxUse=1G\n", "Journal.SystemMaxUse", "1G", ""},
		"another section":        {"[Journal]\nX=1\n[Other]\nSystemMaxUse=1G\n", "Journal.SystemMaxUse", "", Absent},
		"a key with a dot":       {"vm.swappiness = 1\n", "vm.swappiness", "1", ""},
		"twice the same":         {"a = 1\na = 1\n", "a", "1", ""},
		"twice and not the same": {"a = 1\na = 2\n", "a", "", Ambiguous},
		"in two sections":        {"[x]\na = 1\n[y]\na = 2\n", "a", "", Ambiguous},
		"no value":               {"a\n", "a", "", ""},
		"a longer name":          {"ab = 1\n", "a", "", Absent},
		"nothing":                {"", "a", "", Absent},
		"an editor's mark":       {text + "a = 1\n", "a", "", Absent},
		"one line of a MiB":      {strings.Repeat("x", MaxFile-1) + "\na=1\n", "a", "1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Key([]byte(tc.in), tc.key)
			if got != tc.want || tc.reason == "" && err != nil || tc.reason != "" && ReasonOf(err) != tc.reason {
				t.Errorf("got %q, %v; want %q, %q", got, err, tc.want, tc.reason)
			}
		})
	}
}

func TestWant(t *testing.T) {
	for name, tc := range map[string]struct {
		want     Want
		text     string
		versions bool
		met, odd bool
	}{
		"equal":                {Want{OneOf: []string{"no"}}, "no", false, true, false},
		"not equal":            {Want{OneOf: []string{"no"}}, "yes", false, false, false},
		"one of":               {Want{OneOf: []string{"a", "b"}}, "b", false, true, false},
		"large enough":         {Want{AtLeast: "1G"}, "1073741824", false, true, false},
		"too small":            {Want{AtLeast: "1G"}, "1073741823", false, false, false},
		"no limit is enough":   {Want{AtLeast: "1G"}, "max", false, true, false},
		"no limit is too much": {Want{AtMost: "2G"}, "max", false, false, false},
		"between":              {Want{AtLeast: "1", AtMost: "10"}, "10", false, true, false},
		"half":                 {Want{AtLeast: "1.5K"}, "1536", false, true, false},
		"no number":            {Want{AtMost: "2G"}, "much", false, false, true},
		"a duration":           {Want{AtMost: "2"}, "2week", false, false, true},
		"a version":            {Want{AtLeast: "3.6"}, "3.6.1", true, true, false},
		"an older one":         {Want{AtLeast: "3.6"}, "3.5.99", true, false, false},
		"ten is after nine":    {Want{AtLeast: "10.9"}, "10.11.14-MariaDB-0+deb12u2", true, true, false},
		"at most its line":     {Want{AtMost: "3.6"}, "3.6.9", true, true, false},
		"a newer line":         {Want{AtMost: "3.6"}, "3.7.0", true, false, false},
		"not told to the end":  {Want{AtLeast: "3.6"}, "3", true, false, false},
		"no version":           {Want{AtLeast: "3.6"}, "unknown", true, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			met, err := tc.want.Met(tc.text, "", tc.versions)
			if met != tc.met || (err != nil) != tc.odd || err != nil && ReasonOf(err) != NoNumber {
				t.Errorf("met %v, %v", met, err)
			}
		})
	}
	sum := sha256.Sum256([]byte("x"))
	w := Want{SHA256: hex.EncodeToString(sum[:])}
	if met, err := w.Met("", hex.EncodeToString(sum[:]), false); !met || err != nil {
		t.Errorf("the digest that it has: %v, %v", met, err)
	}
	if met, err := w.Met("", "00", false); met || err != nil {
		t.Errorf("another digest: %v, %v", met, err)
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	write("plain", "hello", 0o644)
	write("private", "hello", 0o640)
	write("large", strings.Repeat("x", 101), 0o644)
	must(os.Symlink("plain", filepath.Join(dir, "beside")))
	must(os.Symlink("/etc/passwd", filepath.Join(dir, "out")))
	must(os.Symlink("../x", filepath.Join(dir, "up")))
	must(os.Mkdir(filepath.Join(dir, "dir"), 0o755))
	must(syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644))
	l, err := net.Listen("unix", filepath.Join(dir, "socket"))
	must(err)
	defer l.Close()

	for name, want := range map[string]Reason{
		"plain": "", "private": "", "beside": "", "large": TooLarge, "out": Outside, "up": Outside,
		"dir": NoFile, "pipe": NoFile, "socket": NoFile, "none": Absent, "none/x": Absent,
	} {
		f, err := Read(filepath.Join(dir, name), 100)
		if want == "" && (err != nil || string(f.Content) != "hello" || f.Private != (name == "private")) || want != "" && (err == nil || ReasonOf(err) != want) {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	f := File{Written: time.Unix(1000, 0)}
	if err := f.Fresh("x", time.Minute, time.Unix(1061, 0)); ReasonOf(err) != Stale {
		t.Errorf("too old: %v", err)
	}
	if err := errors.Join(f.Fresh("x", time.Minute, time.Unix(1060, 0)), f.Fresh("x", 0, time.Now())); err != nil {
		t.Error(err)
	}
}

// The kernel's own list says who listens.
func TestListens(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // there is no such list
	}
	paths := []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"}
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			if strings.HasPrefix(address, "[") {
				continue // without IPv6
			}
			t.Fatal(err)
		}
		_, text, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		port, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		if found, err := Listens(port, paths...); !found || err != nil {
			t.Errorf("%s: %v, %v", address, found, err)
		}
		// A connection to the port is none that listens on it.
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		if found, err := Listens(port, paths...); found || err != nil {
			t.Errorf("%s, closed: %v, %v", address, found, err)
		}
		c.Close()
	}
	if _, err := Listens(1, filepath.Join(t.TempDir(), "none")); ReasonOf(err) != Absent {
		t.Errorf("no list: %v", err)
	}
	for _, text := range []string{"", "garbage\n", "  sl  local_address rem_address   st\n   0: x\n", "  sl  local_address rem_address   st\n   0: 00000000 0 0A\n"} {
		if found, err := listens(1, strings.NewReader(text)); found || err == nil {
			t.Errorf("%q: %v, %v", text, found, err)
		}
	}
}

// A float64 holds a digest whole, and a key makes another one of it.
func TestDigest(t *testing.T) {
	seen := map[float64]bool{}
	for i := range 1000 {
		d := Digest([]byte(strconv.Itoa(i)), nil)
		if d != float64(uint64(d)) || d >= 1<<52 || seen[d] {
			t.Fatalf("%d: %v", i, d)
		}
		seen[d] = true
	}
	// printf x | sha256sum
	if got := Digest([]byte("x"), nil); got != 0x2d711642b726b {
		t.Errorf("%x", uint64(got))
	}
	if Digest([]byte("x"), []byte("key")) == Digest([]byte("x"), nil) || Digest([]byte("x"), []byte("key")) == Digest([]byte("x"), []byte("kez")) {
		t.Error("the key changes nothing")
	}
}
