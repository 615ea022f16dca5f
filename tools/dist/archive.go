package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// archive writes what belongs to a target as one file: a zip for windows, else a
// compressed tar. Everything is in one folder of the archive's name, in order, root's,
// and of the release's time.
func (r release) archive(t target, inside []file) (err error) {
	ending, write := ".tar.gz", r.writeTar
	if t.os == "windows" {
		ending, write = ".zip", r.writeZip
	}
	out, err := os.Create(filepath.Join(r.out, r.name(t)+ending))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	return write(out, r.name(t), inside)
}

func (r release) writeTar(out io.Writer, top string, inside []file) error {
	zw, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	tw := tar.NewWriter(zw)
	for _, f := range inside {
		data, err := f.read()
		if err != nil {
			return err
		}
		err = tw.WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg, Name: top + "/" + f.name, Mode: int64(f.mode), Size: int64(len(data)),
			ModTime: r.when, Uname: "root", Gname: "root", Format: tar.FormatUSTAR,
		})
		if err != nil {
			return err
		}
		if _, err := tw.Write(data); err != nil {
			return err
		}
	}
	return errors.Join(tw.Close(), zw.Close())
}

func (r release) writeZip(out io.Writer, top string, inside []file) error {
	zw := zip.NewWriter(out)
	for _, f := range inside {
		data, err := f.read()
		if err != nil {
			return err
		}
		h := &zip.FileHeader{Name: top + "/" + f.name, Method: zip.Deflate, Modified: r.when}
		h.SetMode(f.mode)
		w, err := zw.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	return zw.Close()
}
