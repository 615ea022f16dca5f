package config

// invalid is what is told of each testdata/invalid-*.yml, by the rest of its name:
// LINE:COLUMN: what is wrong and what to write instead.
func invalid() map[string]string {
	return map[string]string{
		"alertmanager": `2:10: "localhost:9093" is no URL that can be asked: write it like http:// or https://host:port
2:43: "http://a:9093" is there twice: keep one
3:15: a login needs both username and password_file
4:15: token_file "token" is not absolute: write the whole path, from / on`,
		"anchors": `1:6: anchors and aliases are not taken here: write the value out`,
		"autonomy-cluster": `10:14: cluster "dmeo" is not in the inventory; did you mean "demo"?
11:15: cluster "other" is not in the inventory; known here: demo`,
		"autonomy-tier":          `4:20: unknown tier "p0"; known here: P0, P1, P2`,
		"autonomy-unknown":       `4:21: unknown autonomy "on"; known here: approve, auto, observe`,
		"autonomy-without-roles": `8:11: autonomy above observe needs web.roles: without them nobody who talks to fettle is known. Give Alertmanager and the operators a token each under web.roles, or write observe`,
		"blast-radius": `7:22: 34% of the 2 members of demo is none, so no step that takes one away could ever be done: write 1 or 50%, or set its autonomy to observe
7:27: cluster "dmeo" is not in the inventory; did you mean "demo"?
9:50: 0% of the 1 members of one is none, so no step that takes one away could ever be done: write 1 or 100%, or set its autonomy to observe
10:16: there are two groups "one": give each a name of its own
10:40: demo/m2 is in the group already: keep one
11:16: "" is no name for a group: give it one of at most 64 letters
11:29: group "" has no members: write them as CLUSTER/MEMBER, or CLUSTER/* for all of a cluster
12:31: "demo" is no member: write it as CLUSTER/MEMBER, or CLUSTER/* for all of a cluster
12:37: cluster "other" is not in the inventory; known here: demo
12:47: cluster demo has no member "m3"; did you mean "m1"?
13:49: "half" is no share: write a number of members, like 1, or a part of them, like 34%
14:49: 101% is more than all: write at most 100%`,
		"window": `7:25: "6:00" is no time of the day: write hours and minutes, like 22:00 or 06:30
7:41: unknown time zone "Europe/Berlim": write a name of the IANA's list, like Europe/Berlin or UTC
8:14: "24:00" is no time of the day: write hours and minutes, like 22:00 or 06:30
8:42: unknown time zone "Local": write a name of the IANA's list, like Europe/Berlin or UTC
8:56: unknown day "monday"; known here: mon, tue, wed, thu, fri, sat, sun, and ranges like mon-fri
8:64: unknown day "mon-fry"; known here: mon, tue, wed, thu, fri, sat, sun, and ranges like mon-fri
9:7: the window has no from: write a time of the day, like 22:00
9:7: the window has no timezone: write the one that its times are of, like Europe/Berlin or UTC
9:30: cluster "dmeo" is not in the inventory; did you mean "demo"?
9:49: "No" is no playbook's name: lower-case letters, digits and dashes
9:62: unknown tier "P3"; known here: P0, P1, P2
10:25: the window begins and ends at 02:00: for the whole day write from: 00:00 and to: 24:00
10:47: unknown key "day" in guards.window[3]; did you mean "days"?`,
		"brake":         `1:8: brake "run/fettle/pause" is not absolute: write the whole path, from / on`,
		"command-shell": `5:29: status runs a shell over a text: write the program and its arguments as a list, or put the script into a file`,
		"duplicate-key": `3:1: key "journal" is there twice at the top level, first on line 1: keep one`,
		"duration-unit": `2:17: overrides.all.settle: "30" has no unit: write 30s if seconds are meant`,
		"hosts": `1:12: host "b c" is no host name and no address
1:19: host "" is no host name and no address`,
		"inventory": `5:30: endpoint "127.0.0.1:2379" is no URL that can be asked: write it like http:// or https://host:port`,
		"journal": "1:16: dir \"journal\" is not absolute: write the whole path, from / on\n" +
			"1:35: journal.key_file is empty: give it a path, or leave the key out for the default\n" +
			"1:43: id \"mine\" is no journal's id: copy it from what `fettle journal init` printed",
		"journal-key-inside": `1:51: key_file "/var/lib/fettle/journal/key" is inside the journal's directory: who can copy the journal could then sign it, put the key elsewhere`,
		"journal-anchors": `2:10: blobs "/j/blobs" and the journal's directory are inside each other: keep them apart
3:18: dir "/j" and the journal's directory are inside each other: keep them apart
3:28: keep is 0: at least the open segment stays in the journal
4:17: anchor_every 10ms is shorter than 1s, and a checkpoint is signed once a second: give it more
6:7: the anchor needs exactly one of file, url and syslog: it has 0
7:7: the anchor needs exactly one of file, url and syslog: it has 2
8:14: file "/j/anchor" and the journal's directory are inside each other: keep them apart
9:13: "…@h" has a user or password in it: secrets stand in files, not in URLs
9:44: token_file "t" is not absolute: write the whole path, from / on
10:16: syslog "local0" is no place to send to: write local, udp://host:port or tcp://host:port
11:16: syslog "udp://h" is no place to send to: write local, udp://host:port or tcp://host:port
12:16: syslog "udp://h:1/x" is no place to send to: write local, udp://host:port or tcp://host:port
14:7: this anchor is there twice: keep one
15:33: token_file is for a url, and the anchor has none`,
		"journal-archive": `1:20: archive has no dir: write where old segments go`,
		// Where the journal's files are is said, and nothing about what is in them, what
		// they are called and who may run them: that an audit log's prefix and mode could
		// be chosen made it a program (CVE-2025-6000).
		"journal-form": `1:27: unknown key "prefix" in journal; known here: anchor_every, anchors, archive, blobs, dir, id, key_file, reserve, segment_size
1:48: unknown key "mode" in journal; known here: anchor_every, anchors, archive, blobs, dir, id, key_file, reserve, segment_size
1:62: unknown key "name" in journal; known here: anchor_every, anchors, archive, blobs, dir, id, key_file, reserve, segment_size
1:94: unknown key "mode" in journal.anchors[0]; known here: file, syslog, token_file, url`,
		"key-at-the-top": `1:1: unknown key "cluster" at the top level; did you mean "clusters"?
2:1: unknown key "agents" at the top level; known here: alertmanager, autonomy, brake, clusters, guards, hosts, journal, overrides, playbooks, prometheus, tiers, web`,
		"key-unknown":          `3:5: unknown key "cooldwn" in overrides.all; did you mean "cooldown"?`,
		"listen":               `1:15: listen "9774" is no address to listen on: write it like 127.0.0.1:9774 or :9774`,
		"listen-without-roles": `1:15: listen ":9774" can be reached from other machines, and without web.roles anybody there could use it: configure web.roles, or listen on 127.0.0.1`,
		"not-yaml":             `2:1: not YAML: did not find expected ',' or '}': a bracket is not closed, or a comma is missing`,
		"number-fleet": `8:12: there is one live_runs for everything: set it under overrides.all
10:8: there is one forget for everything: set it under overrides.all`,
		"number-long": `1:36: attempts_within 8d is longer than 1w: what is older is not kept
1:53: poll_closed 1d1h is longer than 1d: what is older is not kept
1:69: approvers is 3: at most 2`,
		"number-negative": `1:29: attempts is negative: give it a value above 0
1:45: overrides.all.commit_lag wants a whole number, not below 0, not "-1"
1:55: overrides.all.look: "-5s" is negative: write it without the minus`,
		"number-short": `1:22: sample 1µs is shorter than 10ms: give it more`,
		"number-zero": `1:27: settle is 0: give it a value, it cannot be turned off
1:43: eager_looks is 0: give it a value, it cannot be turned off`,
		"override-cluster":  `1:24: cluster "demo" is not in the inventory; there are none here`,
		"override-playbook": `1:25: "No_Name" is no playbook's name: lower-case letters, digits and dashes`,
		"playbook-names": `1:18: dir "playbooks" is not absolute: write the whole path, from / on
1:36: "../x" is no playbook's name: lower-case letters, digits and dashes
1:53: "A" is no playbook's name: lower-case letters, digits and dashes`,
		"prometheus": `1:13: prometheus has credentials and no url: write the url that is asked
1:47: scrape_interval is 0: write the interval at which Prometheus scrapes fettle_exporter`,
		"prometheus-login": `1:19: "…@a" has a user or password in it: secrets stand in files, not in URLs
1:47: both basic_auth and token_file are given: keep one
1:102: a client certificate needs both cert_file and key_file`,
		"roles": `3:14: unknown role "admin"; known here: metrics, operator, viewer, webhook
4:7: the entry needs exactly one of token_file, user and certificate_name: it has 0
5:7: the entry has no role: write role: webhook, metrics, viewer or operator
7:7: this credential has a role already: each has one
8:35: token_file "token" is not absolute: write the whole path, from / on
8:48: name "a\nb" is too long, or no plain text: it is the actor in the journal`,
		"size":          `1:17: web.max_body: "16" has no unit: write 16B, or KiB, MiB, GiB`,
		"tab":           `2:1: a tab cannot indent YAML: use spaces`,
		"tier":          `1:9: unknown tier "P3"; known here: P0, P1, P2`,
		"two-documents": `2:1: a second document begins here: one file holds one`,
		"version-range": `1:39: "3.5" is no version and no range: write it like 3.5.1 or 3.5.0-3.5.2
1:44: "3.5.2-3.5.0" ends before it begins: write 3.5.0-3.5.2
1:58: unknown kind "mysql"; known here: etcd, service`,
		"web": `1:15: socket "/run/../x" is not written plainly: write "/x"
1:40: "fettle.example" is no URL that can be asked: write it like http:// or https://host:port
1:69: config_file "web.yml" is not absolute: write the whole path, from / on
1:88: max_body 1KiB is below 64KiB: a single alert would not fit
1:111: max_connections is 0: it must be at least 1`,
	}
}
