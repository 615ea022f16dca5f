package main

import (
	"strings"
	"testing"
)

func TestTableFitsTheTerminal(t *testing.T) {
	header := []string{"RUN", "TARGET", "WHY"}
	rows := [][]string{
		{"0199a000-0000-7000-8000-0000000000a1", "demo/m2", "a longer sentence that says why \x1b[2Jnothing was done"},
		{"r2", "", "repaired"},
	}
	for _, tc := range []struct {
		name  string
		width int
		want  string
	}{
		{"not a terminal", 0, `RUN                                   TARGET   WHY
0199a000-0000-7000-8000-0000000000a1  demo/m2  a longer sentence that says why \x1b[2Jnothing was done
r2                                    -        repaired
`},
		{"wide", 120, `RUN                                   TARGET   WHY
0199a000-0000-7000-8000-0000000000a1  demo/m2  a longer sentence that says why \x1b[2Jnothing was done
r2                                    -        repaired
`},
		{"narrow", 80, `RUN                                   TARGET   WHY
0199a000-0000-7000-8000-0000000000a1  demo/m2  a longer sentence that says why
                                               \x1b[2Jnothing was done
r2                                    -        repaired
`},
		{"too narrow", 50, `RUN     0199a000-0000-7000-8000-0000000000a1
TARGET  demo/m2
WHY     a longer sentence that says why
        \x1b[2Jnothing was done

RUN     r2
TARGET  -
WHY     repaired
`},
	} {
		if got := string(tabled(screen{width: tc.width}, header, rows)); got != tc.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tc.name, got, tc.want)
		}
	}
	coloured := string(tabled(screen{width: 120, colour: true}, header, rows))
	if !strings.Contains(coloured, green+"repaired"+reset) || !strings.Contains(coloured, bold+"RUN"+reset) {
		t.Errorf("got %q", coloured)
	}
	if strings.Contains(coloured, "\x1b[2J") {
		t.Errorf("an escape sequence of a label's reaches the terminal: %q", coloured)
	}
}

// Standard output of a test is no terminal.
func TestNoColourBesideATerminal(t *testing.T) {
	if s := newScreen(); s.colour || s.width != 0 {
		t.Errorf("got %+v", s)
	}
	if got := (screen{}).paint("repaired"); got != "repaired" {
		t.Errorf("got %q", got)
	}
}

func TestFlow(t *testing.T) {
	const text = "title of it\n\n  alert         {a=\"b\"}\n     0.043  run ended: observed, because of this and of that\n              seen: m2 is dead and does not answer at all\n  - To let it do that, write this\n"
	const want = "title of it\n\n  alert         {a=\"b\"}\n     0.043  run ended: observed, because\n            of this and of that\n              seen: m2 is dead and does not\n                    answer at all\n  - To let it do that, write this\n"
	if got := (screen{width: 40}).flow(text); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	if got := (screen{}).flow(text); got != text {
		t.Errorf("beside a terminal: got\n%s", got)
	}
	if got := (screen{width: 80, colour: true}).flow("x\ny\n"); got != bold+"x"+reset+"\ny\n" {
		t.Errorf("got %q", got)
	}
}
