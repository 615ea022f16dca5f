package exporter

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestKernelOfThisMachine(t *testing.T) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	text := func(b []byte) string { return unix.ByteSliceToString(b) }
	want := fmt.Sprintf("fettle_node_uname_info{nodename=%q,release=%q,sysname=%q,version=%q}",
		text(u.Nodename[:]), text(u.Release[:]), text(u.Sysname[:]), text(u.Version[:]))
	between(t, gathered(t, newKernel(Host{})), want, 1, 1)
}

// kernelOf is a machine with these files, by the names that they have on a real one.
func kernelOf(t *testing.T, files map[string]string) Host {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Host{Proc: filepath.Join(root, "proc"), Root: root, Sys: filepath.Join(root, "sys")}
}

func TestKernel(t *testing.T) {
	const uname = `fettle_node_uname_info{nodename="h",release="6.1.0-40-amd64",sysname="Linux",version="#1 SMP"}`
	base := map[string]string{
		"proc/sys/kernel/ostype": "Linux\n", "proc/sys/kernel/hostname": "h\n",
		"proc/sys/kernel/osrelease": "6.1.0-40-amd64\n", "proc/sys/kernel/version": "#1 SMP\n",
	}
	for name, tc := range map[string]struct {
		files map[string]string
		want  map[string]float64
		err   string
	}{
		"an old kernel, no os-release": {nil, map[string]float64{uname: 1}, ""},
		"counts": {
			map[string]string{"sys/kernel/oops_count": "2\n", "sys/kernel/warn_count": "0\n", "proc/sys/kernel/hung_task_detect_count": "7\n"},
			map[string]float64{uname: 1, "fettle_node_kernel_oopses_total": 2, "fettle_node_kernel_warnings_total": 0, "fettle_node_hung_tasks_total": 7}, "",
		},
		"os-release": {
			map[string]string{"etc/os-release": "# a comment\n\nID=debian\nVERSION_ID='12'\nNAME=\"Debian \\\"GNU\\\"/Linux\"\nPRETTY_NAME=Debian\n"},
			map[string]float64{uname: 1, `fettle_node_os_info{id="debian",name="Debian \"GNU\"/Linux",pretty_name="Debian",version_id="12"}`: 1}, "",
		},
		"the other os-release": {
			map[string]string{"usr/lib/os-release": "ID=arch\n"},
			map[string]float64{uname: 1, `fettle_node_os_info{id="arch",name="",pretty_name="",version_id=""}`: 1}, "",
		},
		"a bad os-release": {map[string]string{"etc/os-release": "ID\n"}, map[string]float64{uname: 1}, `want NAME=VALUE, got "ID"`},
		"a bad count": {
			map[string]string{"sys/kernel/oops_count": "-1\n", "sys/kernel/warn_count": "3\n"},
			map[string]float64{uname: 1, "fettle_node_kernel_warnings_total": 3}, "oops_count: want a number",
		},
		"an empty name": {map[string]string{"proc/sys/kernel/hostname": "\n"}, map[string]float64{}, "hostname is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			for _, m := range []map[string]string{base, tc.files} {
				for k, v := range m {
					files[k] = v
				}
			}
			c := newKernel(kernelOf(t, files))
			r := readOnce(t, c)
			if tc.err == "" && r.err != nil || tc.err != "" && (r.err == nil || !strings.Contains(r.err.Error(), tc.err)) {
				t.Errorf("got %v, want %q", r.err, tc.err)
			}
			wantSeries(t, series(t, registryOf(t, c, r)), tc.want)
		})
	}
}
