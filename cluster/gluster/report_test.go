package gluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// answered is what gluster 10.3 says of two bricks: their files, and "-" for one that it
// could not ask.
func answered(bricks ...string) string {
	text := "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<cliOutput>\n  <healInfo>\n    <bricks>\n"
	for i, b := range bricks {
		files := strings.Fields(b)
		status, n := "Connected", fmt.Sprint(len(files))
		if b == "-" {
			files, status, n = nil, "Transport endpoint is not connected", "-"
		}
		text += fmt.Sprintf("      <brick hostUuid=\"1351eb80-8905-4706-9d0f-4df28ee9a4e%d\">\n        <name>10.99.0.%d:/mnt/brick/b</name>\n", i, i+1)
		for _, f := range files {
			text += fmt.Sprintf("        <file gfid=%q>&lt;gfid:%s&gt;</file>\n", f, f)
		}
		text += "        <status>" + status + "</status>\n        <numberOfEntries>" + n + "</numberOfEntries>\n      </brick>\n"
	}
	return text + "    </bricks>\n  </healInfo>\n  <opRet>0</opRet>\n  <opErrno>0</opErrno>\n  <opErrstr/>\n</cliOutput>\n"
}

func TestReport(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"in order":                    {answered("", ""), "0, 0 unasked"},
		"two, each named twice":       {answered("a b", "b a"), "2, 0 unasked"},
		"of two pairs of bricks":      {answered("a", "a", "b c", "b c"), "3, 0 unasked"},
		"one brick away, none seen":   {answered("", "-"), "-, 1 unasked"},
		"one brick away, one is seen": {answered("a", "-", "b", "b"), "2, 1 unasked"},
		"failed":                      {"<cliOutput><healInfo><bricks/></healInfo><opRet>-1</opRet><opErrno>2</opErrno><opErrstr>Volume v does not exist</opErrstr></cliOutput>", cluster.Other},
		"empty":                       {"", cluster.BadProtocol},
		"text":                        {"Brick s1:/b\nStatus: Connected\nNumber of entries in split-brain: 0\n", cluster.BadProtocol},
		"half of it":                  {answered("a", "a")[:400], cluster.BadProtocol},
		"no brick":                    {answered(), cluster.BadProtocol},
		"no result":                   {strings.Replace(answered("", ""), "<opRet>0</opRet>", "", 1), cluster.BadProtocol},
		"of another program":          {"<pacemaker-result><opRet>0</opRet></pacemaker-result>", cluster.BadProtocol},
		"fewer than it says":          {strings.Replace(answered("a", "a"), "<numberOfEntries>1", "<numberOfEntries>2", 1), cluster.BadProtocol},
		"a version never seen":        {"<cliOutput><healSummary/><opRet>0</opRet></cliOutput>", cluster.BadProtocol},
		"deep":                        {strings.Repeat("<cliOutput>", 100000), cluster.BadProtocol},
	} {
		var r Report
		err := r.read([]byte(tc.text))
		got := line.Reason(err)
		if err == nil {
			if got = "-"; r.Entries != nil {
				got = fmt.Sprint(*r.Entries)
			}
			got += fmt.Sprintf(", %d unasked", r.Unasked)
		}
		if got != tc.want {
			t.Errorf("%s: %s (%v), want %s", name, got, err, tc.want)
		}
	}
}

// A report that nobody writes any more is not what the volume is like; on other machines
// there is none, which is no fault.
func TestReports(t *testing.T) {
	dir := t.TempDir()
	at := time.Unix(1_700_000_000, 0)
	now := at
	for name, text := range map[string]string{"v": answered("a", "a"), "big": strings.Repeat("<", maxReport+1)} {
		path := filepath.Join(dir, name+".xml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	c := cluster.Cluster{Name: "files", Kind: cluster.KindGluster}
	for _, volume := range []string{"v", "elsewhere", "v", "big"} {
		c.Gluster.Bricks = append(c.Gluster.Bricks, cluster.GlusterBrick{Volume: volume, Member: "s1", Path: "/b"})
	}
	seen := func(heals string) *Summary {
		c.Gluster.HealReports = heals
		d, err := New(c, Options{Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		s, ok := d.View(t.Context()).Detail.(*Summary)
		if !ok {
			t.Fatal("no summary")
		}
		return s
	}
	if s := seen(""); s.Reports != nil || s.Err != nil {
		t.Errorf("none is declared: %+v", s)
	}
	s := seen(dir)
	if len(s.Reports) != 3 || s.Err == nil || strings.Contains(s.Err.Error(), "elsewhere") || !strings.Contains(s.Err.Error(), `split brain of volume "big"`) || line.Reason(s.Err) != cluster.TooLarge {
		t.Fatalf("%+v", s)
	}
	if r := s.Reports[0]; r.Volume != "v" || !r.Up || *r.Entries != 1 || !r.Written.Equal(at) {
		t.Errorf("%+v", r)
	}
	if r := s.Reports[1]; r.Volume != "elsewhere" || r.Up || r.Entries != nil || !r.Written.IsZero() {
		t.Errorf("%+v", r)
	}
	c.Gluster.Bricks = c.Gluster.Bricks[:1]
	for age, up := range map[time.Duration]bool{maxAge: true, maxAge + time.Second: false, -maxAge - time.Second: false} {
		now = at.Add(age)
		s := seen(dir)
		if r := s.Reports[0]; r.Up != up || (s.Err == nil) != up || (r.Entries != nil) != up || r.Written.IsZero() {
			t.Errorf("%s: %+v, %v", age, r, s.Err)
		}
	}
}
