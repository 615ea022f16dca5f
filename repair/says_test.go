package repair_test

import (
	"testing"

	"github.com/fettle-io/fettle/repair"
)

func TestStepSaysWhatItDoes(t *testing.T) {
	was := "the old one"
	undo := &repair.Undoes{Was: &was}
	for want, s := range map[string]repair.PlannedStep{
		`does member-start`: {Action: "member-start"},
		`does service-scale with mode="fast", zone="a b"`:                                        {Action: "service-scale", With: map[string]string{"zone": "a b", "mode": "fast"}},
		`runs /usr/bin/put pool in`:                                                              {Action: "exec", Declared: []byte(`{"argv":["/usr/bin/put","pool","in"]}`)},
		`runs /usr/bin/put "a b" "" "\x1b[2J" as web`:                                            {Action: "exec", Declared: []byte(`{"argv":["/usr/bin/put","a b","","\u001b[2J"],"user":"web"}`)},
		`runs /usr/bin/put pool "the old one"`:                                                   {Action: "exec", Declared: []byte(`{"argv":["/usr/bin/put","pool","$was"]}`), Undoes: undo},
		`sends PUT "https://lb.example/pool" with "{\"weight\":\"the old one\",\"$was\":\"x\"}"`: {Action: "http", Declared: []byte(`{"method":"PUT","url":"https://lb.example/pool","json":"{\"weight\":\"$was\",\"$was\":\"x\"}"}`), Undoes: undo},
		`does exec`: {Action: "exec", Declared: []byte(`{`)},
	} {
		if got := s.Does(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
