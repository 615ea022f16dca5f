package exporter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

const (
	// maxTextfile is the largest file that is read, and maxTextfiles how many.
	maxTextfile  = 4 << 20
	maxTextfiles = 200
	// maxTexts bounds all files of one scrape together, in bytes.
	maxTexts = 16 << 20
)

type textfileCollector struct {
	dir                              string
	success, refused, mtime, leftOut *Metric
}

func newTextfile(h Host) Collector {
	return &textfileCollector{
		dir:     h.Textfiles,
		success: gauge("fettle_textfile_success", "1 if the metrics of the file are served.", "file"),
		refused: gauge("fettle_textfile_refused", "1 for the reason for which the file is not served: unreadable, too_large, syntax, timestamp, prefix, duplicate or conflict. Absent if it is.", "file", "reason"),
		mtime:   gauge("fettle_textfile_mtime_seconds", "When the file was last written, as a Unix time.", "file"),
		leftOut: gauge("fettle_textfile_left_out", "Files that are not read because there are too many."),
	}
}

func (c *textfileCollector) Metrics() []*Metric {
	return []*Metric{c.success, c.refused, c.mtime, c.leftOut}
}

// Collect tells of the files, and not what is in them: that is [textfileCollector.pass]'s.
func (c *textfileCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	_, err := c.pass(ctx, emit)
	return err
}

// pass implements passer.
func (c *textfileCollector) pass(ctx context.Context, emit Emit) ([]*dto.MetricFamily, error) {
	if c.dir == "" {
		return nil, nil // none is configured
	}
	paths, err := textfiles(c.dir)
	if err != nil {
		return nil, fmt.Errorf("list the textfiles: %w", err)
	}
	left := max(0, len(paths)-maxTextfiles)
	emit(c.leftOut, float64(left))
	taken := newTexts()
	var errs []error
	room := int64(maxTexts)
	for _, path := range paths[:len(paths)-left] {
		if ctx.Err() != nil {
			return taken.families(), errors.Join(append(errs, ctx.Err())...)
		}
		name := filepath.Base(path)
		text, at, err := readTextfile(path, min(room, maxTextfile))
		if !at.IsZero() {
			emit(c.mtime, float64(at.UnixNano())/1e9, name)
		}
		room -= int64(len(text))
		if err == nil {
			err = taken.add(text)
		}
		emit(c.success, boolean(err == nil), name)
		if err != nil {
			emit(c.refused, 1, name, string(reasonOf(err)))
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
		}
	}
	return taken.families(), errors.Join(errs...)
}

// textfiles are the files of a directory that end in .prom, by name. Others, such as
// one that is being written, are none of ours.
func textfiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".prom") && !strings.HasPrefix(e.Name(), ".") {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths, nil
}
