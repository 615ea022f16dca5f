package mysql

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// transactions is a set of them: intervals by who numbered them. MySQL names a set,
// "UUID:1-5:7" by server, with a tag in between since 8.3. MariaDB names the last of
// each domain, "0-1-5"; since a domain counts from one on, that is the interval 1 to 5.
type transactions map[string][]interval

// interval has both ends.
type interval struct{ first, last uint64 }

// mostIntervals bounds what a hostile or very fragmented set can cost.
const mostIntervals = 1 << 16

// parseGTIDs reads what a server of the flavor tells.
func parseGTIDs(f Flavor, text string) (transactions, error) {
	if f == MariaDB {
		ends, err := parsePosition(text)
		if err != nil {
			return nil, err
		}
		set := transactions{}
		for domain, end := range ends {
			if end.sequence > 0 {
				set[strconv.FormatUint(domain, 10)] = []interval{{1, end.sequence}}
			}
		}
		return set, nil
	}
	set, n := transactions{}, 0
	for part := range strings.SplitSeq(text, ",") {
		fields := strings.Split(strings.TrimSpace(part), ":")
		if fields[0] == "" {
			continue
		}
		who := strings.ToLower(fields[0])
		key := who
		for _, f := range fields[1:] {
			in, err := parseInterval(f)
			if err != nil {
				if f == "" || len(f) > 32 || f[0] >= '0' && f[0] <= '9' {
					return nil, err
				}
				key = who + ":" + strings.ToLower(f) // a tag
				continue
			}
			if n++; n > mostIntervals {
				return nil, fmt.Errorf("the GTID set has more than %d intervals", mostIntervals)
			}
			set[key] = append(set[key], in)
		}
	}
	for who, in := range set {
		set[who] = joined(in)
	}
	return set, nil
}

// joined are the same transactions in order, each once: servers tell them so, and without
// compares them in that order.
func joined(in []interval) []interval {
	slices.SortFunc(in, func(a, b interval) int { return cmp.Compare(a.first, b.first) })
	all := in[:1]
	for _, next := range in[1:] {
		if last := &all[len(all)-1]; next.first <= last.last {
			last.last = max(last.last, next.last)
		} else {
			all = append(all, next)
		}
	}
	return all
}

func parseInterval(s string) (interval, error) {
	first, last, isRange := strings.Cut(s, "-")
	if !isRange {
		last = first
	}
	from, err := strconv.ParseUint(first, 10, 63)
	if err != nil {
		return interval{}, fmt.Errorf("GTID set: %.64q is no interval", s)
	}
	to, err := strconv.ParseUint(last, 10, 63)
	if err != nil || to < from || from == 0 {
		return interval{}, fmt.Errorf("GTID set: %.64q is no interval", s)
	}
	return interval{from, to}, nil
}

// count is how many there are.
func (t transactions) count() float64 {
	var n float64
	for _, in := range t {
		for _, i := range in {
			n += float64(i.last - i.first + 1)
		}
	}
	return n
}

// without are those that are not in the other set.
func (t transactions) without(other transactions) transactions {
	left := transactions{}
	for who, mine := range t {
		theirs, next := other[who], 0
		for _, in := range mine {
			for next < len(theirs) && theirs[next].last < in.first {
				next++
			}
			for i := next; i < len(theirs) && theirs[i].first <= in.last && in.first <= in.last; i++ {
				if theirs[i].first > in.first {
					left[who] = append(left[who], interval{in.first, theirs[i].first - 1})
				}
				in.first = max(in.first, theirs[i].last+1)
			}
			if in.first <= in.last {
				left[who] = append(left[who], in)
			}
		}
	}
	return left
}

// end is the last transaction of a MariaDB domain, and the server that wrote it.
type end struct{ server, sequence uint64 }

var errPosition = errors.New("no GTID position of MariaDB")

// parsePosition reads "domain-server-sequence,…".
func parsePosition(text string) (map[uint64]end, error) {
	ends := map[uint64]end{}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		fields := strings.Split(part, "-")
		if len(fields) != 3 || len(ends) >= mostIntervals {
			return nil, fmt.Errorf("%w: %.64q", errPosition, part)
		}
		var n [3]uint64
		for i, f := range fields {
			var err error
			if n[i], err = strconv.ParseUint(f, 10, 63); err != nil {
				return nil, fmt.Errorf("%w: %.64q", errPosition, part)
			}
		}
		if n[2] >= ends[n[0]].sequence {
			ends[n[0]] = end{server: n[1], sequence: n[2]}
		}
	}
	return ends, nil
}
