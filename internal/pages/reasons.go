package pages

import "strings"

// Reason is one line of a guard's page: why it refuses.
type Reason struct {
	Reason  string
	When    string
	Passing bool // asked again by itself; else it waits for a person
}

// Reasons are those that a guard's page lists.
func (l Library) Reasons(guard string) (all []Reason) {
	p, ok := l.At("guards/" + guard)
	if !ok {
		return nil
	}
	for _, b := range parse(p.Text) {
		if b.form != table || len(b.rows[0]) != 3 || flat(b.rows[0][0]) != "reason" {
			continue
		}
		for _, row := range b.rows[1:] {
			if len(row) == 3 {
				all = append(all, Reason{Reason: flat(row[0]), When: flat(row[1]), Passing: strings.HasPrefix(flat(row[2]), "passing")})
			}
		}
	}
	return all
}
