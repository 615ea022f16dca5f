package story_test

import (
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/fettle-io/fettle/internal/story"
)

func TestClean(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"", ""},
		{"etcd-member-restart on demo/m2: größer, 日本 →", "etcd-member-restart on demo/m2: größer, 日本 →"},
		{"\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`},
		{"one\ntwo\rthree\tfour\x00", `one\ntwo\rthree\tfour\x00`},
		{"\u202egpj.exe", `\u202egpj.exe`},
		{"\u009b31m\u2028\ufeff\U000e0041", `\u009b31m\u2028\ufeff\U000e0041`},
		{"\xff\xfe", `\xff\xfe`},
		{"\x7f", `\x7f`},
		{"�", `\ufffd`},
	} {
		if got := story.Clean(tc.in); got != tc.want {
			t.Errorf("Clean(%q) = %q, want %q", tc.in, got, tc.want)
		}
	}
}

func TestEscapeJSON(t *testing.T) {
	in := "a\u202eb\u009bc\x7f\U000e0041 größer \n"
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	b = story.EscapeJSON(b)
	onlyPlain(t, string(b))
	var out string
	if err := json.Unmarshal(b, &out); err != nil || out != in {
		t.Errorf("%s is %q (%v), want %q", b, out, err, in)
	}
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b[2J")
	f.Add("a\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		c := story.Clean(s)
		onlyPlain(t, c)
		if again := story.Clean(c); again != c {
			t.Errorf("cleaned twice, %q is %q", c, again)
		}
	})
}
