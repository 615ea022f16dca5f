package exporter

import (
	"strings"
	"testing"
)

func TestParseMount(t *testing.T) {
	for line, want := range map[string]mount{
		`22 1 254:0 / / rw - ext4 /dev/vda rw`:                                {"/dev/vda", "ext4", place{"/", "254:0"}},
		`22 1 254:0 / /a\040b\011c\134 rw shared:1 master:2 - nfs4 s:/a b rw`: {"s:/a", "nfs4", place{"/a b\tc\\", "254:0"}},
		`22 1 254:0 / /\12 rw - tmpfs x\9 rw`:                                 {`x\9`, "tmpfs", place{`/\12`, "254:0"}},
		`22 1 0:5 / /m rw - tmpfs  rw`:                                        {"", "tmpfs", place{"/m", "0:5"}},
	} {
		if got, ok := parseMount([]byte(line)); !ok || got != want {
			t.Errorf("%s: %+v, %v", line, got, ok)
		}
	}
	for _, line := range []string{"", "garbage", "22 1 254:0 / / - ext4 /dev/vda rw", "22 1 254:0 / / rw ext4 /dev/vda rw", "22 1 254:0 / / rw - ext4"} {
		if got, ok := parseMount([]byte(line)); ok {
			t.Errorf("%s is %+v", line, got)
		}
	}
}

// The list is taken apart when it changed, and only then.
func TestMountsAreReadAgainWhenTheyChange(t *testing.T) {
	host := procWith(t, mounts)
	s := newMountSource(host)
	for i, want := range []bool{true, false, true, false} {
		if i == 2 {
			writeProc(t, host, "1/mountinfo", strings.ReplaceAll(mounts, "/mnt/nfs", "/mnt/NFS"))
		}
		all, changed, err := s.read(t.Context(), host)
		if err != nil || changed != want || changed != (len(all) > 0) {
			t.Errorf("reading %d: %d mounts, changed %v, %v", i+1, len(all), changed, err)
		}
	}
}

// Where process 1 may not be looked at, the exporter's own mounts stand in.
func TestMountsOfTheExporterItself(t *testing.T) {
	host := Host{Proc: t.TempDir()}
	writeProc(t, host, "self/mountinfo", mounts)
	s := newMountSource(host)
	if all, _, err := s.read(t.Context(), host); err != nil || len(all) != 7 {
		t.Errorf("%v, %v", all, err)
	}
}
