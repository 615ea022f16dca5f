package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/fettle-io/fettle/exporter/value"
)

const (
	// maxReport is the largest report that is read, in bytes.
	maxReport = 64 << 10
	// ahead is by how much another machine's clock may be ahead of this one's.
	ahead = 5 * time.Minute
)

// readReport reads what the backup's maker wrote. Without `finished` there was none yet.
func readReport(path string, now time.Time) (State, error) {
	file, err := value.Read(path, maxReport)
	if err != nil {
		return State{}, err
	}
	var s State
	if s.Newest, err = when(file.Content, "finished", now); err == nil {
		s.Verified, err = when(file.Content, "verified", now)
	}
	if err != nil {
		return State{}, fmt.Errorf("%s: %w", path, err)
	}
	if s.Size, err = size(file.Content); err != nil {
		return State{}, fmt.Errorf("%s: %w", path, err)
	}
	if s.Size != nil && *s.Size == 0 { // which is no backup, whatever else it says
		s.Newest = time.Time{}
	}
	return s, nil
}

// line is what the report says of a key; empty where it does not.
func line(report []byte, key string) (string, error) {
	text, err := value.Key(report, key)
	if err != nil && value.ReasonOf(err) == value.Absent {
		err = nil
	}
	return text, err
}

// size is how large the backup is; nil where the report does not say.
func size(report []byte) (*int64, error) {
	text, err := line(report, "size_bytes")
	if err != nil || text == "" {
		return nil, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return nil, value.Refuse(value.NoNumber, "size_bytes is no number of bytes")
	}
	return &n, nil
}

// when is a time of the report: seconds since 1970, or as in 2006-01-02T15:04:05Z. Zero
// where it does not say.
func when(report []byte, key string, now time.Time) (time.Time, error) {
	text, err := line(report, key)
	if err != nil || text == "" {
		return time.Time{}, err
	}
	at, err := time.Parse(time.RFC3339, text)
	if seconds, e := strconv.ParseFloat(text, 64); e == nil && seconds > 0 && seconds < 1e11 {
		at, err = time.Unix(int64(seconds), 0), nil
	}
	switch {
	case err != nil:
		return time.Time{}, value.Refuse(value.NoNumber, "%s is no time: write seconds since 1970 (date +%%s), or 2006-01-02T15:04:05Z", key)
	case at.After(now.Add(ahead)):
		return time.Time{}, value.Refuse(value.NoNumber, "%s is in the future", key)
	}
	return at, nil
}

// touched is when a file was last written; zero if it is not there, or of the future.
func touched(path string, now time.Time) (time.Time, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, err
	case info.ModTime().After(now.Add(ahead)):
		return time.Time{}, value.Refuse(value.NoNumber, "%s was written in the future", path)
	}
	return info.ModTime(), nil
}
