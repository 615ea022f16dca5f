package nginx

import "testing"

const page = "Active connections: 3 \nserver accepts handled requests\n 16630948 16630946 31070465 \nReading: 1 Writing: 2 Waiting: 0 \n"

func TestRead(t *testing.T) {
	s, err := read([]byte(page))
	if want := (Status{Active: 3, Reading: 1, Writing: 2, Accepted: 16630948, Handled: 16630946, Requests: 31070465}); err != nil || *s != want {
		t.Errorf("%+v, %v, want %+v", s, err, want)
	}
	for name, other := range map[string]string{
		"nothing": "", "a web page": "<html>Active connections: 3 </html>", "cut": page[:40], "more": page + "Reading: 1\n",
		"too large": "Active connections: 99999999999999999999 \nserver accepts handled requests\n 1 1 1 \nReading: 0 Writing: 1 Waiting: 0 \n",
	} {
		if s, err := read([]byte(other)); err == nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
}
