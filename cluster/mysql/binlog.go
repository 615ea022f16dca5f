package mysql

// Coordinates are a place in a source's binary log.
type Coordinates struct {
	File     string
	Position float64
}

// Log is one file of the binary log.
type Log struct {
	File string
	Size float64
}

// Binlog is where a server writes its binary log.
type Binlog struct {
	Coordinates
	// Logs are all files in order; nil: not asked, since replicas read the last one.
	Logs []Log
}

// mostLogs of the binary log are read.
const mostLogs = 4096

// bytesTo counts from a place on to where the log is written. nil: it cannot be told,
// because the place is not in a known file.
func (b *Binlog) bytesTo(from Coordinates) *float64 {
	if b == nil || from.File == "" || b.File == "" {
		return nil
	}
	n := b.Position - from.Position
	if from.File != b.File {
		sum, ok := between(b.Logs, from, b.File)
		if !ok {
			return nil
		}
		n = sum + b.Position
	}
	n = max(n, 0) // the replica was asked after its source
	return &n
}

// between is what lies after a place and before the file upTo.
func between(logs []Log, from Coordinates, upTo string) (sum float64, ok bool) {
	inside := false
	for _, l := range logs {
		switch {
		case l.File == from.File:
			inside = true
			sum = max(l.Size-from.Position, 0)
		case l.File == upTo:
			return sum, inside
		case inside:
			sum += l.Size
		}
	}
	return 0, false
}
