package exporter

import "testing"

func TestProcess(t *testing.T) {
	got := gathered(t, newProcess(Host{}))
	sum := 0.0
	for _, s := range processStates() {
		sum += got[`fettle_node_processes{state="`+s.name+`"}`]
	}
	if sum < 1 || got["fettle_node_threads"] < sum {
		t.Errorf("%v processes, %v threads", sum, got["fettle_node_threads"])
	}
	limit := number(t, lines(t, "/proc/sys/kernel/pid_max")[0][0])
	between(t, got, "fettle_node_processes_limit", limit, limit)
}

func TestProcessFixture(t *testing.T) {
	host := Host{Proc: t.TempDir()}
	const rest = " 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 "
	for name, text := range map[string]string{
		"sys/kernel/pid_max": "4194304\n", "sys/kernel/threads-max": "1000\n",
		"1/stat":   "1 (init) S" + rest + "1 0 0\n",
		"22/stat":  "22 (a) b) R (c) D" + rest + "7 0 0\n",
		"333/stat": "333 (new\nstate) Q" + rest + "2 0 0\n",
		"self/x":   "",
		"44/comm":  "ends\n", // while it is looked at: its stat is gone
	} {
		writeProc(t, host, name, text)
	}
	got := gathered(t, newProcess(host))
	for name, want := range map[string]float64{
		`processes{state="sleeping"}`: 1, `processes{state="uninterruptible"}`: 1, `processes{state="other"}`: 1,
		`processes{state="zombie"}`: 0, "threads": 10, "processes_limit": 4194304, "threads_limit": 1000,
	} {
		between(t, got, "fettle_node_"+name, want, want)
	}
	writeProc(t, host, "22/stat", "22 (cut")
	if r := readOnce(t, newProcess(host)); r.err == nil || len(r.samples) > 0 {
		t.Errorf("%v, %v", r.err, r.samples)
	}
}
