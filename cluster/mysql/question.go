package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// row is one row of an answer. A look reads a few of many columns: to search for them is
// cheaper than a map.
type row struct {
	columns []string
	cells   []cell
}

// cell is a value as text.
type cell struct {
	text string
	null bool
}

// get is the text of a column; "" where it is NULL, or is not there.
func (r row) get(column string) string {
	text, _ := r.find(column)
	return text
}

func (r row) find(column string) (text string, ok bool) {
	i := slices.Index(r.columns, column)
	if i < 0 || r.cells[i].null {
		return "", false
	}
	return r.cells[i].text, true
}

// Bounds of an answer, beside its bytes.
const (
	mostRows    = 4096
	mostColumns = 256
)

// query puts one question.
func (s *session) query(ctx context.Context, statement string) ([]row, error) {
	s.wire.Allow()
	if until, ok := ctx.Deadline(); ok {
		_ = s.wire.SetDeadline(until) // of a connection that is open
	}
	asker, ok := s.conn.(driver.QueryerContext)
	if !ok {
		return nil, errors.New("the protocol's driver takes no text queries")
	}
	rows, err := protect(func() ([]row, error) {
		answer, err := asker.QueryContext(ctx, statement, nil)
		if err != nil {
			return nil, err
		}
		defer answer.Close() // what it says was read, or is an error already
		return read(answer)
	})
	if err != nil {
		return nil, s.wire.explain(err, false)
	}
	return rows, nil
}

// panicError is a panic of the protocol's driver, which believes the lengths that a server
// tells.
type panicError struct{ value any }

func (p *panicError) Error() string { return fmt.Sprintf("the answer cannot be read: %v", p.value) }

func protect[T any](fn func() (T, error)) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = line.Because(cluster.BadProtocol, &panicError{p})
		}
	}()
	return fn()
}

func read(answer driver.Rows) ([]row, error) {
	columns := answer.Columns()
	if len(columns) > mostColumns {
		return nil, line.Because(cluster.TooLarge, fmt.Errorf("the answer has more than %d columns", mostColumns))
	}
	var rows []row
	for values := make([]driver.Value, len(columns)); len(columns) > 0; {
		err := answer.Next(values)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(rows) == mostRows {
			return nil, line.Because(cluster.TooLarge, fmt.Errorf("the answer has more than %d rows", mostRows))
		}
		r := row{columns: columns, cells: make([]cell, len(columns))}
		for i, v := range values {
			r.cells[i] = cell{text: text(v), null: v == nil}
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func text(v driver.Value) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []byte:
		return string(v)
	case string:
		return v
	}
	return fmt.Sprint(v)
}

// settings are the rows of SHOW VARIABLES and SHOW STATUS as one row, the names in lower
// case.
func settings(rows []row) row {
	all := row{columns: make([]string, len(rows)), cells: make([]cell, len(rows))}
	for i, r := range rows {
		all.columns[i], all.cells[i].text = strings.ToLower(r.get("Variable_name")), r.get("Value")
	}
	return all
}

// first is the first of these columns that is there: versions name them differently.
func (r row) first(names ...string) string {
	for _, n := range names {
		if v, ok := r.find(n); ok {
			return v
		}
	}
	return ""
}

// number is a finite number that is not negative; nil: it is not told.
func (r row) number(names ...string) *float64 {
	n, err := strconv.ParseFloat(r.first(names...), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) || n < 0 {
		return nil
	}
	return &n
}

// on is a switch; nil: it is not told.
func (r row) on(names ...string) *bool {
	v := strings.ToUpper(r.first(names...))
	if v == "" {
		return nil
	}
	on := v != "OFF" && v != "0" && v != "NO"
	return &on
}

func (r row) uint(names ...string) uint64 {
	n, err := parseUint(r.first(names...))
	if err != nil {
		return 0
	}
	return n
}

func parseUint(s string) (uint64, error) { return strconv.ParseUint(s, 10, 63) }

func yes(b *bool) bool { return b != nil && *b }
