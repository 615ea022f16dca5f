package haproxy

import (
	"fmt"
	"strings"
	"testing"
)

const answered = `Name: HAProxy
Version: 2.6.12-1+deb12u4
Uptime_sec: 2
Hard_maxconn: 9984
CurrConns: 3
Stopping: 0
Start_time_sec: 1795290129

# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,
web,w1,0,0,4,0,,0,0,0,,0,,0,0,0,0,UP 1/2,1,1,0,1,1,2,2,,1,3,1,,0,,2,
web,w2,0,0,0,0,,0,0,0,,0,,0,0,0,0,DOWN,1,1,0,1,1,2,2,,1,3,2,,0,,2,
web,w3,0,0,0,0,,0,0,0,,0,,0,0,0,0,MAINT,1,0,1,0,0,2,2,,1,3,3,,0,,2,
web,w4,0,0,2,0,,0,0,0,,0,,0,0,0,0,UP,1,0,1,0,0,2,2,,1,3,3,,0,,2,
web,BACKEND,5,0,6,0,999,0,0,0,0,0,,0,0,0,0,UP,0,0,0,,1,2,2,,1,3,0,,0,,1,
db,d1,0,0,0,0,,0,0,0,,0,,0,0,0,0,no check,100,1,0,,,2,,,1,4,1,,0,,2,
db,BACKEND,0,0,0,0,1,0,0,0,0,0,,0,0,0,0,DOWN,1,1,0,,0,2,0,,1,4,0,,0,,1,

1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight
3 web 1 w1 127.0.0.1 2 0 1
3 web 2 w2 127.0.0.1 0 0 1
3 web 3 w3 127.0.0.1 0 5 1
3 web 4 w4 127.0.0.1 2 8 1
4 db 1 d1 127.0.0.1 2 0 1

`

func TestRead(t *testing.T) {
	m, err := read([]byte(answered))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{Version:2.6.12 Started:1795290129 Uptime:2 Stopping:false Current:3 Limit:9984 Backends:[{Name:web Up:true Current:6 Queued:5 Servers:[{Name:w1 State:up Checked:true Current:4 Weight:1} {Name:w2 State:down Checked:true Current:0 Weight:1} {Name:w3 State:maint Checked:true Current:0 Weight:1} {Name:w4 State:drain Checked:true Current:2 Weight:1}]} {Name:db Up:false Current:0 Queued:0 Servers:[{Name:d1 State:up Checked:false Current:0 Weight:100}]}] LeftOut:0}`
	if got := fmt.Sprintf("%+v", *m); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestReadRefuses(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing":      "",
		"a web server": "HTTP/1.1 400 Bad request\r\ncontent-length: 90\r\n\r\n<html>\n\n</html>",
		"no name":      strings.Replace(answered, "Name: HAProxy", "Name: other", 1),
		"no column":    strings.Replace(answered, "scur", "other", 1),
		"no number":    strings.Replace(answered, "127.0.0.1 0 5 1", "127.0.0.1 0 x 1", 1),
		"cut":          answered[:200],
		"bad quotes":   strings.Replace(answered, "web,w2", `web,"w2`, 1),
	} {
		if m, err := read([]byte(answer)); err == nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func TestTooManyServers(t *testing.T) {
	const one = "web,w2,0,0,0,0,,0,0,0,,0,,0,0,0,0,DOWN,1,1,0,1,1,2,2,,1,3,2,,0,,2,\n"
	m, err := read([]byte(strings.Replace(answered, one, strings.Repeat(one, maxServers), 1)))
	if err != nil || len(m.Backends) != 2 || len(m.Backends[0].Servers) != maxServers || m.LeftOut != 4 {
		t.Errorf("%v, %d backends, %d left out", err, len(m.Backends), m.LeftOut)
	}
}

func TestReadTellsOfSoManyBackends(t *testing.T) {
	more := strings.Repeat("x,BACKEND,0,0,0,0,1,0,0,0,0,0,,0,0,0,0,UP,1,1,0,,0,2,0,,1,4,0,,0,,1,\n", maxBackends)
	m, err := read([]byte(strings.Replace(answered, "db,d1", more+"db,d1", 1)))
	if err != nil || len(m.Backends) != maxBackends || m.LeftOut != 1 {
		t.Fatalf("%d backends, %d left out, %v", len(m.Backends), m.LeftOut, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(answered))
	f.Add([]byte("Name: HAProxy\nVersion: 1\n\n# pxname,svname,status,scur,qcur,weight,type\na,b,UP,1,1,1,2\n\n1\n# be_name srv_name srv_admin_state\n"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		m, err := read(answer)
		if err != nil {
			return
		}
		servers := 0
		for _, b := range m.Backends {
			servers += len(b.Servers)
		}
		if servers > maxServers || len(m.Backends) > maxBackends {
			t.Errorf("%d servers of %d backends", servers, len(m.Backends))
		}
	})
}
