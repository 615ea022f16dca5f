package repair

import (
	"encoding/json"
	"fmt"

	"github.com/fettle-io/fettle/journal"
)

// with decodes a draft's data and hands it on.
func with[T any](d journal.Draft, fn func(T)) error {
	var v T
	if err := json.Unmarshal(d.Data, &v); err != nil {
		return fmt.Errorf("record %s (%s): %w", d.ID, d.Type, err)
	}
	fn(v)
	return nil
}

// Replay folds a journal that is given line by line.
func Replay(replay func(func(journal.Record) error) error) (*State, error) {
	s := NewState()
	err := replay(func(r journal.Record) error { return s.Fold(r.Draft) })
	if err != nil {
		return nil, fmt.Errorf("fold the journal: %w", err)
	}
	return s, nil
}
