package api

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/fettle-io/fettle/journal"
)

// writeRecords writes the lines as they are, byte by byte: what arrives can be
// checked against the journal.
func writeRecords(c *gin.Context, records []journal.Record) {
	var b bytes.Buffer
	b.WriteString(`{"records":[`)
	for i, r := range records {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(r.Line)
	}
	b.WriteString("]}\n")
	c.Header("Cache-Control", "no-store")
	c.Data(http.StatusOK, "application/json; charset=utf-8", b.Bytes())
}

type recordList struct {
	Records []jsontext.Value `json:"records"`
}

// records undoes writeRecords. Each Line is as it stands in the journal.
func (l recordList) records() ([]journal.Record, error) {
	records := make([]journal.Record, len(l.Records))
	for i, line := range l.Records {
		var r struct {
			Seq      uint64         `json:"seq"`
			Type     string         `json:"type"`
			Subject  string         `json:"subject"`
			Boot     string         `json:"boot"`
			Boottime string         `json:"boottime"`
			Time     time.Time      `json:"time"`
			ID       string         `json:"id"`
			Critical bool           `json:"critical"`
			Data     jsontext.Value `json:"data"`
		}
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("record %d of the answer: %w", i, err)
		}
		since, err := strconv.ParseInt(r.Boottime, 10, 64)
		if err != nil && r.Boottime != "" {
			return nil, fmt.Errorf("record %d of the answer: boottime: %w", i, err)
		}
		records[i] = journal.Record{
			Seq: r.Seq,
			Draft: journal.Draft{
				Type:    strings.TrimSuffix(strings.TrimPrefix(r.Type, "io.fettle."), ".v1"),
				Subject: r.Subject, Critical: r.Critical, ID: r.ID, Data: r.Data,
				At: journal.Reading{Wall: r.Time, Boot: r.Boot, Since: time.Duration(since)},
			},
			Line: line,
		}
	}
	return records, nil
}
