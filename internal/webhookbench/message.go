package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// The fleet that the alerts are about: targets are named c000/m000 to c099/m099.
const (
	clusters          = 100
	membersPerCluster = 100
	targets           = clusters * membersPerCluster
)

// Two kinds of alerts: no playbook is for the first, one is for the second.
const (
	unmatchedName = "BenchSeen"
	matchedName   = "BenchFailing"
)

// message is the body of one POST as Alertmanager 0.34 writes it, with the places
// where its alerts differ. Nothing is encoded anew: a number is written over the
// one before.
type message struct {
	body  []byte
	marks []marks
}

// marks are where one alert's digits begin.
type marks struct{ check, cluster, member int }

const (
	checkDigits  = 12
	targetDigits = 3
)

// newMessage makes a message of that many alerts of one name.
func newMessage(alertname string, alerts int) *message {
	m := &message{marks: make([]marks, alerts)}
	var b bytes.Buffer
	b.WriteString(`{"receiver":"fettle","status":"firing","alerts":[`)
	mark := func(digits int) int {
		at := b.Len()
		b.WriteString(strings.Repeat("0", digits))
		return at
	}
	for i := range m.marks {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"status":"firing","labels":{"alertname":%q,"check":"`, alertname)
		m.marks[i].check = mark(checkDigits)
		b.WriteString(`","cluster":"c`)
		m.marks[i].cluster = mark(targetDigits)
		b.WriteString(`","instance":"10.20.30.40:9773","job":"fettle_exporter","member":"m`)
		m.marks[i].member = mark(targetDigits)
		b.WriteString(`","origin_prometheus":"prometheus-a","severity":"critical","team":"storage","tier":"P0"},` +
			`"annotations":{"description":"The member has not answered its exporter for more than thirty seconds, while the other members of its cluster say that it is gone. Its unit is not active.",` +
			`"playbook":"bench","runbook_url":"https://fettle.example/docs/alerts/FettleServiceDown","summary":"A member of the cluster does not answer."},` +
			`"startsAt":"2026-11-21T12:00:00.123Z","endsAt":"0001-01-01T00:00:00Z",` +
			`"generatorURL":"http://prometheus.example:9090/graph?g0.expr=fettle_unit_up+%3D%3D+0&g0.tab=1","fingerprint":"0123456789abcdef"}`)
	}
	fmt.Fprintf(&b, `],"groupLabels":{"alertname":%[1]q},"commonLabels":{"alertname":%[1]q,"severity":"critical","tier":"P0"},`+
		`"commonAnnotations":{"summary":"A member of the cluster does not answer."},"externalURL":"http://alertmanager.example:9093",`+
		`"version":"4","groupKey":"{}:{alertname=\"%[1]s\"}","truncatedAlerts":0}`, alertname)
	m.body = b.Bytes()
	return m
}

// number makes its alerts the ones from first on: each number is a fingerprint of
// its own, and target number modulo the fleet's size.
func (m *message) number(first uint64) {
	for i, at := range m.marks {
		n := first + uint64(i) //nolint:gosec // an index
		digits(m.body[at.check:at.check+checkDigits], n)
		digits(m.body[at.cluster:at.cluster+targetDigits], n%targets/membersPerCluster)
		digits(m.body[at.member:at.member+targetDigits], n%membersPerCluster)
	}
}

func digits(into []byte, n uint64) {
	for i := len(into) - 1; i >= 0; i-- {
		into[i] = byte('0' + n%10)
		n /= 10
	}
}

// post is a message ready to be sent over one connection: header and body are one
// piece of memory, so that a send is one write.
type post struct {
	*message
	bytes []byte
}

func newPost(m *message, path, token string) *post {
	var b bytes.Buffer
	b.WriteString("POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nUser-Agent: Alertmanager/0.34.2\r\n")
	if token != "" {
		b.WriteString("Authorization: Bearer " + token + "\r\n")
	}
	b.WriteString("Content-Length: " + strconv.Itoa(len(m.body)) + "\r\n\r\n")
	head := b.Len()
	b.Write(m.body)
	whole := b.Bytes()
	return &post{message: &message{body: whole[head:], marks: m.marks}, bytes: whole}
}
