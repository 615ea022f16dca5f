package action

import (
	"testing"
	"time"

	"github.com/fettle-io/fettle/journal"
)

func TestServed(t *testing.T) {
	var s Served
	at := func(d time.Duration) journal.Reading { return journal.Reading{Since: d} }
	if k := s.note("c/m1", "1", false, at(5)); k.served || k.since != 5 {
		t.Errorf("first seen: %+v", k)
	}
	if k := s.note("c/m1", "1", true, at(6)); !k.served || k.since != 5 {
		t.Errorf("serves: %+v", k)
	}
	if k := s.note("c/m1", "1", false, at(7)); !k.served {
		t.Error("it is forgotten that it served")
	}
	if k := s.note("c/m2", "1", false, at(7)); k.served {
		t.Error("targets are mixed up")
	}
	if k := s.note("c/m1", "2", false, at(8)); k.served || k.since != 8 {
		t.Errorf("the next process: %+v", k)
	}
}
