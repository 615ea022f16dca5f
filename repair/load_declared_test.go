package repair_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// declaredHead begins a playbook whose steps follow; its last line is line 11.
const declaredHead = `name: p
version: 1
description: d
on: ['alertname="X"']
labels:
  cluster: {pattern: '[a-z]+'}
  member: {pattern: '[a-z0-9]+'}
  any: {pattern: '(?s).*'}
target: {kind: service, cluster: $cluster, member: $member}
tier: P0
autonomy: approve
`

// table is the one of load_test.go with the actions that steps declare themselves.
func declaredActions() map[string]repair.ActionSpec {
	t := maps.Clone(actions)
	for _, name := range []string{repair.ActionExec, repair.ActionHTTP} {
		t[name] = repair.ActionSpec{Name: name, Bind: func(repair.PlannedStep) (repair.ActionSpec, error) { return repair.ActionSpec{}, nil }}
	}
	return t
}

func loadDeclared(text string) (*repair.Playbook, error) {
	return repair.LoadPlaybook("p.yml", []byte(declaredHead+text), declaredActions(), parse)
}

// section is one step with a section.
func section(action, body string) string {
	return "steps:\n  - name: a\n    action: " + action + "\n    " + action + ": " + body + "\n"
}

func TestDeclaredSteps(t *testing.T) {
	p, err := loadDeclared(`steps:
  - name: weight
    action: exec
    exec:
      argv: [/bin/set, $member, "a b", --weight=0]
      unless: [/bin/is, $member, "0"]
      user: root
      env: {MODE: fast, WHO: $member}
      writable: [/var/lib/x]
      timeout: 90s
      takes: false
      capabilities: [CAP_KILL]
      undo: {argv: [/bin/set, $member, $was], was: [/bin/get, $member], on_failure: true}
  - name: drain
    action: http
    http:
      method: PUT
      url: https://lb.example:8443/api/$member/state?who=$any&x=1
      json: '{"state": "drain", "who": "$any", "n": 1e400, "list": ["$member"], "$member": null}'
      expect: [200, 204]
      unless: {url: "https://lb.example:8443/api/$member/state", pointer: /state, equals: drain}
      disturbs: unit
      undo: {method: DELETE, url: "https://lb.example:8443/api/$member/state", unless: {url: "https://lb.example:8443/api/$member/state", expect: 404}}
`)
	if err != nil {
		t.Fatal(err)
	}
	target, steps, err := p.Resolve(inventory, map[string]string{"cluster": "web", "member": "w1", "any": `q/"&=%é`})
	if err != nil || target.String() != "web/w1" {
		t.Fatal(target, err)
	}
	for i, want := range []string{
		`{"argv":["/bin/set","w1","a b","--weight=0"],"unless":["/bin/is","w1","0"],"user":"root","env":{"MODE":"fast","WHO":"w1"},"timeout":90000000000,"disturbs":"host","takes":false,"writable":["/var/lib/x"],"capabilities":["CAP_KILL"],"was":["/bin/get","w1"]}`,
		`{"method":"PUT","url":"https://lb.example:8443/api/w1/state?who=q%2F%22%26%3D%25%C3%A9\u0026x=1","json":"{\"state\":\"drain\",\"who\":\"q/\\\"\u0026=%é\",\"n\":1e400,\"list\":[\"w1\"],\"$member\":null}","expect":[200,204],"unless":{"url":"https://lb.example:8443/api/w1/state","pointer":"/state","equals":"drain"},"disturbs":"unit"}`,
	} {
		if got := string(steps[i].Declared); !sameJSON(t, got, want) {
			t.Errorf("step %d declares\n%s\nwant\n%s", i, got, want)
		}
	}
	if u := steps[0].Undo; u == nil || !u.OnFailure || u.Unhealthy || !sameJSON(t, string(u.Declared), `{"argv":["/bin/set","w1","$was"],"user":"root","env":{"MODE":"fast","WHO":"w1"},"timeout":90000000000,"disturbs":"host","takes":false,"writable":["/var/lib/x"],"capabilities":["CAP_KILL"],"was":["/bin/get","w1"]}`) {
		t.Errorf("undo of the first: %+v", u)
	}
	if u := steps[1].Undo; u == nil || u.OnFailure || !sameJSON(t, string(u.Declared), `{"method":"DELETE","url":"https://lb.example:8443/api/w1/state","unless":{"url":"https://lb.example:8443/api/w1/state","expect":404},"disturbs":"unit"}`) {
		t.Errorf("undo of the second: %+v", u)
	}
}

func sameJSON(t *testing.T, got, want string) bool {
	t.Helper()
	norm := func(s string) string {
		var v any
		if err := json.Unmarshal([]byte(s), &v); err != nil {
			t.Fatalf("%v: %s", err, s)
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	return norm(got) == norm(want)
}

// What is not said falls back to the target's kind.
func TestDeclaredDisturbs(t *testing.T) {
	for kind, want := range map[string]cluster.Disturbs{"etcd": cluster.DisturbsCluster, "service": cluster.DisturbsHost} {
		text := strings.Replace(declaredHead, "kind: service", "kind: "+kind, 1) + section("exec", "{argv: [/bin/true], creates: /x}")
		p, err := repair.LoadPlaybook("p.yml", []byte(text), declaredActions(), parse)
		if err != nil || p.Steps[0].Exec.Disturbs != want {
			t.Errorf("%s: %+v, %v", kind, p, err)
		}
	}
}

// Each breaks one rule of a section, and this is what the reader is told.
func TestInvalidDeclaredSteps(t *testing.T) {
	req := func(more string) string {
		return section("http", `{method: POST, url: "https://a.example/x", unless: {url: "https://a.example/x"}, `+more+"}")
	}
	at := func(url string) string {
		return section("http", `{method: POST, unless: {url: "https://a.example/x"}, url: "`+url+`"}`)
	}
	cmd := func(more string) string { return section("exec", "{argv: [/bin/x], creates: /y, "+more+"}") }
	run := func(argv string) string { return section("exec", "{creates: /y, argv: "+argv+"}") }
	for name, tc := range map[string]struct{ text, want string }{
		"no section":              {"steps:\n  - {name: a, action: exec}\n", "13:23: action exec is described by its step: give the step a section `exec`"},
		"an empty section":        {section("exec", ""), `15:10: argv is empty: write the program and its arguments as a list`},
		"another action's":        {"steps:\n  - {name: a, action: service-restart, exec: {argv: [/x]}}\n", "13:40: a section `exec` belongs to a step with action: exec, and this one's is \"service-restart\""},
		"an unknown key":          {cmd("unles: [/x]"), `15:41: unknown key "unles" in steps[0].exec; did you mean "unless"?`},
		"what only a plan has":    {cmd("was: [/x]"), `15:41: unknown key "was" in steps[0].exec; known here: argv, capabilities, creates, disturbs, env, from_here, network, takes, timeout, undo, unless, user, writable`},
		"no argv":                 {section("exec", "{creates: /y}"), "15:11: argv is empty: write the program and its arguments as a list"},
		"no observation":          {section("exec", "{argv: [/bin/x]}"), "15:11: nothing tells whether this step is needed, and whether it was done: give it unless (a command that looks) or creates (a path), or write once: true on the step if it must never be done twice"},
		"a relative program":      {run("[bin/x]"), `15:32: "bin/x" is no absolute path: begin it with /`},
		"a program from PATH":     {run("[reboot]"), `15:32: "reboot" is no absolute path: begin it with /`},
		"a line for a shell":      {run("[/bin/x -y $member]"), `15:32: "/bin/x -y $member" is not one program: write each argument as an element of its own, no shell splits them`},
		"a label as the program":  {run("[$member]"), `15:32: the program itself cannot come from a label: write its path`},
		"a shell over a text":     {run(`[/bin/sh, -c, "x"]`), `15:31: argv runs a shell over a text: write the program and its arguments as a list, or put the script into a file`},
		"a shell further on":      {run(`[/usr/bin/env, bash, -ec, "x"]`), `15:31: argv runs a shell over a text: write the program and its arguments as a list, or put the script into a file`},
		"put together":            {run(`[/bin/x, "--m=$member"]`), `15:40: "--m=$member": a reference to a label stands alone, as in $cluster; nothing is put together from labels`},
		"an undeclared label":     {run(`[/bin/x, $membre]`), "15:40: label \"membre\" is used but not declared: declare it under `labels` with its type; did you mean \"member\"?"},
		"a control character":     {run(`[/bin/x, "a\nb"]`), `15:40: "a\nb" has control characters`},
		"the old value in a do":   {run(`[/bin/x, $was]`), "15:40: $was stands only as an argument of an undo that says under `was` how the old value is read"},
		"a path that is not one":  {section("exec", "{argv: [/bin/x], creates: ../y}"), `15:37: "../y" is no absolute path: begin it with /`},
		"a path with dots":        {section("exec", "{argv: [/bin/x], creates: /a/../y}"), `15:37: "/a/../y": write this path as "/y"`},
		"a path from a label":     {section("exec", "{argv: [/bin/x], creates: /a/$member}"), `15:37: "/a/$member" cannot stand under creates: a path is literal, without $ and control characters`},
		"a user that is none":     {cmd("user: 'root; x'"), `15:47: user "root; x" is no user name`},
		"a variable's name":       {cmd("env: {A-B: x}"), `15:47: "A-B" is no name of a variable: letters, digits and underscores`},
		"a label that steers":     {cmd("env: {LD_PRELOAD: $any}"), `15:59: LD_PRELOAD changes what a command does: it takes no label, write its value`},
		"everything writable":     {cmd("writable: [/]"), `15:52: writable: / is everything: name the folders that it writes to`},
		"an unknown capability":   {cmd("capabilities: [CAP_SYS_ADMI]"), `15:56: unknown capability "CAP_SYS_ADMI"; did you mean "CAP_SYS_ADMIN"?`},
		"no time":                 {cmd("timeout: 0s"), `15:50: timeout is 0s: it must be more than 0 and at most 1h0m0s`},
		"too much time":           {cmd("timeout: 2h"), `15:50: timeout is 2h0m0s: it must be more than 0 and at most 1h0m0s`},
		"an unknown disturbance":  {cmd("disturbs: all"), `15:51: unknown value "all"; known here: cluster, host, unit`},
		"an undo without a state": {section("exec", "{argv: [/bin/x], creates: /y, undo: {argv: [/bin/z]}}"), "15:47: nothing tells whether the step is undone: give the undo unless (a command that looks), absent (a path) or was (a command that prints the old value)"},
		"an undo of a blind do":   {"steps:\n  - {name: a, action: exec, once: true, exec: {argv: [/bin/x], undo: {argv: [/bin/z], absent: /y}}}\n", `13:70: an undo changes only what the step itself has set, and nothing tells that here: give the step unless or creates`},
		"an old value unread":     {cmd("undo: {argv: [/bin/z, $was], absent: /y}"), "15:63: $was stands only as an argument of an undo that says under `was` how the old value is read"},
		"an old value to run":     {cmd("undo: {argv: [$was], was: [/bin/y]}"), `15:55: the program itself cannot come from a label: write its path`},

		"a method":            {section("http", `{method: post, url: "https://a.example/", unless: {url: "https://a.example/"}}`), `15:20: unknown method "post"; did you mean "POST"?`},
		"no url":              {section("http", `{method: GET, unless: {url: "https://a.example/"}}`), "15:11: there is no url: write the whole one, such as https://lb.example:8443/api/v1/drain"},
		"no look":             {section("http", `{method: POST, url: "https://a.example/x"}`), "15:11: nothing tells whether this step is needed, and whether it was done: give it unless (a GET that looks), or write once: true on the step if it must never be done twice"},
		"a label as the host": {at("https://$member/x"), "15:69: scheme, host and port of a url are literal: a label may be a whole segment of the path, or the whole value of a query"},
		"a label in the host": {at("https://$member.example/x"), "15:69: scheme, host and port of a url are literal: a label may be a whole segment of the path, or the whole value of a query"},
		"a label as the port": {at("https://a.example:$member/x"), "15:69: scheme, host and port of a url are literal: a label may be a whole segment of the path, or the whole value of a query"},
		"a part of a segment": {at("https://a.example/x-$member"), `15:69: "x-$member": a reference to a label stands alone, as in $cluster; nothing is put together from labels`},
		"a label as a key":    {at("https://a.example/x?$member=1"), `15:69: "$member=1" is no name=value of a query`},
		"another scheme":      {at("file:///etc/passwd"), `15:69: "file:///etc/passwd" is no http or https url`},
		"a login":             {at("https://u:p@a.example/"), "15:69: a url holds no login, it is written into the journal: use token_file"},
		"dots":                {at("https://a.example/a/../b"), `15:69: ".." cannot be a segment of a path`},
		"escaped dots":        {at("https://a.example/a/%2e%2E/b"), `15:69: "%2e%2E" cannot be a segment of a path`},
		"a decimal host":      {at("http://2130706433/"), `15:69: host "2130706433" is a number in disguise: write the address as 192.0.2.1`},
		"a hexadecimal host":  {at("http://0x7f.0.0.0x1/"), `15:69: host "0x7f.0.0.0x1" is a number in disguise: write the address as 192.0.2.1`},
		"an octal host":       {at("http://0177.0.0.01/"), `15:69: host "0177.0.0.01" is a number in disguise: write the address as 192.0.2.1`},
		"a short host":        {at("http://127.1/"), `15:69: host "127.1" is a number in disguise: write the address as 192.0.2.1`},
		"a fragment":          {at("https://a.example/#x"), `15:69: "https://a.example/#x" has a #, a space or another character that does not belong into a url`},
		"a port":              {at("https://a.example:70000/"), `15:69: "70000" is no port`},
		"a header for us":     {req("headers: {authorization: x}"), `15:102: header authorization is not for a playbook to set; a secret comes from token_file`},
		"a header's label":    {req("headers: {X-Who: $member}"), `15:109: a header is literal, without $ and control characters`},
		"a body's label":      {req("body: a $member"), `15:98: body is literal: for a label write json, with the label as a whole value`},
		"two bodies":          {req("body: x, json: '{}'"), `15:107: both body and json are given: keep one`},
		"no json":             {req("json: '{\"a\": }'"), `15:98: json cannot be read: jsontext: missing value after object name within "/a" after offset 6`},
		"two jsons":           {req("json: '{} {}'"), `15:98: json cannot be read: a second value begins after the first`},
		"a key twice":         {req("json: '{\"a\": 1, \"a\": 2}'"), `15:98: json cannot be read: jsontext: duplicate object member name "a"`},
		"a json's part":       {req("json: '{\"a\": \"x $member\"}'"), `15:98: "x $member": a reference to a label stands alone, as in $cluster; nothing is put together from labels`},
		"a token in clear":    {section("http", `{method: POST, url: "http://a.example/x", unless: {url: "http://a.example/x"}, token_file: /t}`), "15:102: a token is not sent over http, where anybody on the way reads it: ask over https"},
		"a token in capitals": {section("http", `{method: POST, url: "HTTP://a.example/x", unless: {url: "https://a.example/x"}, token_file: /t}`), "15:103: a token is not sent over http, where anybody on the way reads it: ask over https"},
		"a token for a look":  {section("http", `{method: POST, url: "https://a.example/x", unless: {url: "http://a.example/x"}, token_file: /t}`), "15:103: a token is not sent over http, where anybody on the way reads it: ask over https"},
		"a token to undo":     {req(`token_file: /t, undo: {method: PUT, url: "http://a.example/x", unless: {url: "https://a.example/y"}}`), "15:104: a token is not sent over http, where anybody on the way reads it: ask over https"},
		"a token for a was":   {req(`token_file: /t, undo: {method: PUT, url: "https://a.example/x", was: {url: "http://a.example/y", pointer: /a}}`), "15:104: a token is not sent over http, where anybody on the way reads it: ask over https"},
		"a range":             {req("private: [10.0.0.1]"), `15:102: "10.0.0.1" is no range of addresses: write it as 10.0.0.0/24, or 10.0.0.7/32 for one`},
		"a loose range":       {req("private: [10.0.0.1/8]"), `15:102: "10.0.0.1/8" has bits outside its prefix: write 10.0.0.0/8`},
		"too wide a range":    {req("private: [0.0.0.0/0]"), `15:102: "0.0.0.0/0" is too wide: name the ranges that are needed, /8 or narrower (/7 for IPv6)`},
		"a status":            {req("expect: [100]"), `15:101: 100 is no status that an answer ends with: 200 to 599`},
		"equals nothing":      {section("http", `{method: POST, url: "https://a.example/x", unless: {url: "https://a.example/x", equals: x}}`), "15:99: equals says what stands at a pointer: give the pointer too"},
		"a pointer":           {section("http", `{method: POST, url: "https://a.example/x", unless: {url: "https://a.example/x", pointer: a}}`), `15:100: pointer "a" is no JSON pointer: begin it with /, as in /status/paused`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := loadDeclared(tc.text)
			if err == nil {
				t.Fatal("it was taken")
			}
			if got := strings.ReplaceAll(err.Error(), "p.yml:", ""); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

// A label has the name of the old value: then nobody could tell them apart.
func TestTheOldValuesNameIsTaken(t *testing.T) {
	for _, step := range []string{
		section("exec", "{argv: [/bin/x], creates: /y, undo: {argv: [/bin/z, $was], was: [/bin/g]}}"),
		section("exec", "{argv: [/bin/x], creates: /y, env: {WHO: $was}}"), // it would stand there as it is written
		section("http", `{method: DELETE, url: "https://a.example/$was", unless: {url: "https://a.example/x"}}`),
	} {
		text := strings.Replace(declaredHead, "  any:", "  was:", 1) + step
		_, err := repair.LoadPlaybook("p.yml", []byte(text), declaredActions(), parse)
		if err == nil || !strings.Contains(err.Error(), "p.yml:8:3: $was is the old value in an undo: a label cannot have this name here") {
			t.Errorf("%s\n%v", step, err)
		}
	}
}

// ssh gives its arguments to a shell as one text.
func TestNoLabelReachesAShellOverSSH(t *testing.T) {
	for argv, refused := range map[string]bool{
		`[/usr/bin/ssh, w1, restart, $any]`:                                    true,
		`[/usr/bin/timeout, "5", /usr/bin/ssh, -oUser=x, $member, show, $any]`: true,
		`[/usr/bin/show, $any]`:                                                false,
	} {
		p, err := loadDeclared(section("exec", "{creates: /y, argv: "+argv+"}"))
		if err != nil {
			t.Fatal(err)
		}
		for value, hostile := range map[string]bool{
			"a.b-c_d:2379/x=1,2@%+é": false, "a b": true, "a;reboot": true, "`id`": true, "x$(id)": true, "a|b": true, "a&": true, ">f": true, "*": true, "~": true, `a\b`: true, `"`: true, "'": true, "{a,b}": true, "#": true, "!!": true,
		} {
			_, _, err := p.Resolve(inventory, map[string]string{"cluster": "web", "member": "w1", "any": value})
			if (err != nil) != (refused && hostile) {
				t.Errorf("%s with %q: %v", argv, value, err)
			}
		}
	}
}
