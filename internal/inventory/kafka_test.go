package inventory

import "testing"

func TestKafka(t *testing.T) {
	brokers := func(kind, lines string) string {
		return "clusters:\n- name: log\n  kind: " + kind + "\n" + lines + "  members: [{name: k0, endpoint: \"" + kind + "://10.0.0.1:9092\"}]\n"
	}
	cs, err := checked(brokers("kafka", "  tls: {enabled: true}\n  read: {username: u, password_file: /p}\n  kafka: {groups: [billing, \"a b\"]}\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := cs[0].Kafka.Groups; len(got) != 2 || got[1] != "a b" {
		t.Errorf("%q", got)
	}
	for name, tc := range map[string]struct{ in, want string }{
		"another kind":        {brokers("redis", "  kafka: {groups: [a]}\n"), `4:10: kafka is declared, but the cluster is of kind "redis": leave it out`},
		"twice":               {brokers("kafka", "  kafka: {groups: [a, a]}\n"), `4:23: group "a" is listed twice: keep one`},
		"no name":             {brokers("kafka", "  kafka: {groups: [\"\"]}\n"), `4:20: group "" is no name: 1 to 249 characters, none of them a control character`},
		"a line end":          {brokers("kafka", "  kafka: {groups: [\"a\\nb\"]}\n"), `4:20: group "a\nb" is no name: 1 to 249 characters, none of them a control character`},
		"a login without TLS": {brokers("kafka", "  read: {username: u, password_file: /p}\n"), `4:9: a login needs tls: SASL/PLAIN sends the password as it is. Declare tls, such as {enabled: true}`},
		"key":                 {brokers("kafka", "  kafka: {group: [a]}\n"), `4:11: unknown key "group" in clusters[0].kafka; did you mean "groups"?`},
	} {
		_, err := checked(tc.in, Options{})
		if err == nil || err.Error() != "f.yml:"+tc.want {
			t.Errorf("%s: got\n%v\nwant\n%s", name, err, tc.want)
		}
	}
}
