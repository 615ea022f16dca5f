package programs

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
)

// writePage puts the page into dir as index.html, in the two encodings that
// Alertmanager looks for: gzip, and Brotli for browsers.
func writePage(dir string, page []byte) error {
	br, err := storedBrotli(page)
	if err != nil {
		return err
	}
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	if _, err := w.Write(page); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "index.html.gz"), gz.Bytes(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "index.html.br"), br, 0o644)
}

// storedBrotli wraps data into a Brotli stream (RFC 7932) of one uncompressed
// meta-block, which spares a dependency. It holds up to 64 KiB.
func storedBrotli(data []byte) ([]byte, error) {
	if len(data) == 0 || len(data) > 1<<16 {
		return nil, fmt.Errorf("a page of %d bytes: want 1 to %d", len(data), 1<<16)
	}
	// From the lowest bit: WBITS 0 (a 64 KiB window), ISLAST 0, MNIBBLES 00,
	// MLEN-1 in 16 bits, ISUNCOMPRESSED 1, padding; three bytes in all.
	header := uint32(len(data)-1)<<4 | 1<<20 //nolint:gosec // the length is checked above
	stream := binary.LittleEndian.AppendUint32(nil, header)[:3]
	stream = append(stream, data...)
	return append(stream, 0b11), nil // ISLAST 1, ISLASTEMPTY 1
}
