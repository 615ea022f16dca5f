package etcd_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/fettle-io/fettle/cluster/etcd"
)

func TestReadDataDir(t *testing.T) {
	c := shared(t)
	d := driver(t, c.Inventory("c"))
	leaderAndFollowers(t, d)
	v := d.View(t.Context())

	t.Run("while it runs", func(t *testing.T) {
		m, spec := v.Members[1], c.Specs()[1]
		got, err := etcd.ReadDataDir(spec.DataDir)
		if err != nil || got.NodeID != m.ID || got.ClusterID != v.ID {
			t.Errorf("%+v, %v; want %s of %s", got, err, m.ID, v.ID)
		}
	})
	if err := c.Kill("m1"); err != nil {
		t.Fatal(err)
	}
	dir := c.Specs()[0].DataDir
	m := v.Members[0]
	// What a young cluster has agreed upon is in its databases a little later.
	await(t, "names in the database", func() bool {
		if got, err := etcd.ReadDataDir(dir); err != nil || len(got.Names) == len(v.Members) {
			return true
		}
		if err := c.StartMember("m1"); err != nil {
			t.Fatal(err)
		}
		if err := c.WaitHealthy(patience(t), "m1"); err != nil {
			t.Fatal(err)
		}
		if err := c.Kill("m1"); err != nil {
			t.Fatal(err)
		}
		return false
	})

	t.Run("killed", func(t *testing.T) {
		got, err := etcd.ReadDataDir(dir)
		if err != nil || got.Empty || got.NodeID != m.ID || got.ClusterID != v.ID {
			t.Errorf("%+v, %v; want %s of %s", got, err, m.ID, v.ID)
		}
		for _, m := range v.Members {
			if got.Names[m.ID] != m.Name {
				t.Errorf("name of %s is %q, want %s", m.ID, got.Names[m.ID], m.Name)
			}
		}
	})
	t.Run("another member's", func(t *testing.T) {
		other := filepath.Join(t.TempDir(), "data")
		if err := os.CopyFS(other, os.DirFS(c.Specs()[1].DataDir)); err != nil {
			t.Fatal(err)
		}
		got, err := etcd.ReadDataDir(other)
		if err != nil || got.NodeID != v.Members[1].ID || got.NodeID == m.ID {
			t.Errorf("%+v, %v", got, err)
		}
	})

	// A segment is allocated with 64 MiB; its head is enough to copy.
	base := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(base, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(wal(t, base), 8192); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		spoil  func(t *testing.T, dir string) error
		want   error
		nameOK bool // no error wanted, names not either
	}{
		{"gone", func(_ *testing.T, dir string) error { return os.RemoveAll(dir) }, etcd.ErrNoDataDir, false},
		{"emptied", func(_ *testing.T, dir string) error { return os.RemoveAll(filepath.Join(dir, "member")) }, etcd.ErrEmptyDataDir, false},
		{"emptied but for folders", func(_ *testing.T, dir string) error {
			err := os.RemoveAll(filepath.Join(dir, "member"))
			return errors.Join(err, os.MkdirAll(filepath.Join(dir, "member", "wal"), 0o700))
		}, etcd.ErrEmptyDataDir, false},
		{"log lost", func(_ *testing.T, dir string) error { return os.RemoveAll(filepath.Join(dir, "member", "wal")) }, etcd.ErrDamaged, false},
		{"a file in its place", func(_ *testing.T, dir string) error {
			return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600))
		}, etcd.ErrDamaged, false},
		{"log cut to nothing", func(t *testing.T, dir string) error { return os.Truncate(wal(t, dir), 0) }, etcd.ErrDamaged, false},
		{"log cut in a frame", func(t *testing.T, dir string) error { return os.Truncate(wal(t, dir), 20) }, etcd.ErrDamaged, false},
		{"log cut in the metadata", func(t *testing.T, dir string) error { return os.Truncate(wal(t, dir), 40) }, etcd.ErrDamaged, false},
		{"log zeroed", func(t *testing.T, dir string) error {
			return os.WriteFile(wal(t, dir), make([]byte, 4096), 0o600)
		}, etcd.ErrDamaged, false},
		{"a flipped bit in the member ID", func(t *testing.T, dir string) error {
			return change(wal(t, dir), 0x24, 1)
		}, etcd.ErrDamaged, false},
		{"log that cannot be read", func(t *testing.T, dir string) error {
			path := wal(t, dir) // reading a folder fails, for root too
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
		}, etcd.ErrNotReadable, false},
		{"log's folder that cannot be read", func(_ *testing.T, dir string) error {
			path := filepath.Join(dir, "member", "wal")
			return errors.Join(os.RemoveAll(path), os.Symlink(path, path))
		}, etcd.ErrNotReadable, false},
		{"no database", func(_ *testing.T, dir string) error {
			return os.Remove(filepath.Join(dir, "member", "snap", "db"))
		}, nil, true},
		{"database cut short", func(_ *testing.T, dir string) error {
			return os.Truncate(filepath.Join(dir, "member", "snap", "db"), 9000)
		}, nil, true},
		{"database without a meaning", func(_ *testing.T, dir string) error {
			return os.WriteFile(filepath.Join(dir, "member", "snap", "db"), make([]byte, 1<<16), 0o600)
		}, nil, true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			spoiled := filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(spoiled, os.DirFS(base)); err != nil {
				t.Fatal(err)
			}
			if err := tc.spoil(t, spoiled); err != nil {
				t.Fatal(err)
			}
			got, err := etcd.ReadDataDir(spoiled)
			if !errors.Is(err, tc.want) {
				t.Errorf("error %v, want %v", err, tc.want)
			}
			if got.Empty != (tc.want == etcd.ErrEmptyDataDir) { //nolint:errorlint // the table's own value
				t.Errorf("%+v", got)
			}
			if tc.nameOK && (err != nil || got.NodeID != m.ID || len(got.Names) != 0) {
				t.Errorf("%+v, %v", got, err)
			}
			if !tc.nameOK && got.NodeID != "" {
				t.Errorf("whose it is was told of %+v", got)
			}
		})
	}
}

// wal is the newest segment of a data directory's log.
func wal(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "member", "wal", "*.wal"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no log in %s: %v", dir, err)
	}
	return slices.Max(found)
}

// change flips bits of one byte of a file.
func change(path string, at int64, bits byte) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	b := make([]byte, 1)
	_, err = f.ReadAt(b, at)
	b[0] ^= bits
	_, werr := f.WriteAt(b, at)
	return errors.Join(err, werr, f.Close())
}
