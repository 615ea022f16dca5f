package repair

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

const (
	maxArguments   = 64
	maxArgument    = 4096 // bytes of one
	maxDeclared    = 32   // entries of any other list
	maxDeclaredLen = 4096 // bytes of any other text
)

var (
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)
	userName     = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,30}$`)
	shellText    = regexp.MustCompile(`^(-[a-zA-Z]*c[a-zA-Z]*|--command(=.*)?)$`)
	// steering are variables that change which program a command really is.
	steering = regexp.MustCompile(`^(LD_.*|DYLD_.*|_?RLD.*|GLIBC_TUNABLES|PATH|IFS|ENV|BASH.*|SHELLOPTS|SHELL|PS4|CDPATH|ZDOTDIR|FPATH|` +
		`PYTHON.*|PERL.*|RUBY.*|NODE_.*|_?JAVA_.*|JDK_JAVA_.*|LUA_.*|GCONV_PATH|LOCPATH|NLSPATH|GIT_.*|SSH_.*|RSYNC_RSH|TAR_OPTIONS|MAKEFLAGS|` +
		`SYSTEMD_.*|.*EDITOR|VISUAL|.*PAGER|LESS.*|BROWSER|OPENSSL_.*|SSL_.*|CURL_HOME|KRB5_.*|HOSTALIASES|RES_OPTIONS|LOCALDOMAIN|` +
		`(?i:[a-z]+_proxy)|XDG_.*|TERMINFO.*|TERMCAP|KUBECONFIG|DOCKER_.*|FETTLE_.*|HOME)$`)
)

// declared reads the section that a step with action exec or http has.
func (l *playbookLoader) declared(at strictyaml.Path, s stepYAML, out *Step) {
	for _, section := range []struct {
		action string
		there  bool
	}{{ActionExec, s.Exec != nil}, {ActionHTTP, s.HTTP != nil}} {
		switch {
		case section.there && s.Action != section.action:
			l.doc.KeyErrorf(at.Join(section.action), "a section `%s` belongs to a step with action: %s, and this one's is %s", section.action, section.action, strictyaml.Clip(s.Action))
		case !section.there && s.Action == section.action:
			l.doc.Errorf(at.Join("action"), "action %s is described by its step: give the step a section `%s`", section.action, section.action)
		}
	}
	if _, ok := l.params[Was[1:]]; ok && (s.Exec != nil || s.HTTP != nil) {
		l.doc.KeyErrorf(keyPath("labels", Was[1:]), "%s is the old value in an undo: a label cannot have this name here", Was)
	}
	switch {
	case s.Exec != nil && s.Action == ActionExec:
		x := *s.Exec
		x.Disturbs = l.disturbs(x.Disturbs)
		l.exec(at.Join(ActionExec), s.Once, x)
		out.Exec = &x
	case s.HTTP != nil && s.Action == ActionHTTP:
		x := *s.HTTP
		x.Disturbs = l.disturbs(x.Disturbs)
		l.http(at.Join(ActionHTTP), s.Once, x)
		out.HTTP = &x
	}
}

// disturbs is what a declared step holds up: of an etcd member the whole cluster, since
// one mutation at a time is what a quorum bears; else its host, since nobody can tell
// from outside what else a command there touches.
func (l *playbookLoader) disturbs(d cluster.Disturbs) cluster.Disturbs {
	switch {
	case d != "":
		return d
	case l.file.Target.Kind == cluster.KindEtcd:
		return cluster.DisturbsCluster
	}
	return cluster.DisturbsHost
}

func (l *playbookLoader) exec(at strictyaml.Path, once bool, x Exec) {
	l.argv(at.Join("argv"), x.Argv, false)
	l.looksOrOnce(at, once, x.Unless != nil || x.Creates != "", "unless (a command that looks) or creates (a path)")
	if l.doc.Has(at.Join("unless")) {
		l.argv(at.Join("unless"), x.Unless, false)
	}
	l.absolute(at.Join("creates"), x.Creates)
	if x.User != "" && !userName.MatchString(x.User) {
		l.doc.Errorf(at.Join("user"), "user %s is no user name", strictyaml.Clip(x.User))
	}
	l.environment(at.Join("env"), x.Env)
	for i, p := range x.Writable {
		l.absolute(at.Join("writable", i), p)
		if p == "/" {
			l.doc.Errorf(at.Join("writable", i), "writable: / is everything: name the folders that it writes to")
		}
	}
	l.atMost(at.Join("writable"), len(x.Writable))
	for i, c := range x.Capabilities {
		if !slices.Contains(Capabilities(), c) {
			l.doc.Errorf(at.Join("capabilities", i), "unknown capability %s; %s", strictyaml.Clip(c), strictyaml.DidYouMean(c, Capabilities()))
		}
	}
	l.timing(at, x.Timeout, x.Disturbs)
	if x.Undo != nil {
		l.execUndo(at.Join("undo"), x)
	}
}

func (l *playbookLoader) execUndo(at strictyaml.Path, x Exec) {
	u := x.Undo
	l.undoes(at, x.Unless != nil || x.Creates != "", u.Unless != nil || u.Absent != "" || u.Was != nil, "unless (a command that looks), absent (a path) or was (a command that prints the old value)")
	l.argv(at.Join("argv"), u.Argv, u.Was != nil)
	if l.doc.Has(at.Join("unless")) {
		l.argv(at.Join("unless"), u.Unless, false)
	}
	if l.doc.Has(at.Join("was")) {
		l.argv(at.Join("was"), u.Was, false)
	}
	l.absolute(at.Join("absent"), u.Absent)
}

// looksOrOnce is rule 12.
func (l *playbookLoader) looksOrOnce(at strictyaml.Path, once, looks bool, what string) {
	if !once && !looks {
		l.doc.Errorf(at, "nothing tells whether this step is needed, and whether it was done: give it %s, or write once: true on the step if it must never be done twice", what)
	}
}

// undoes checks that both states of what is undone can be told.
func (l *playbookLoader) undoes(at strictyaml.Path, told, undoTold bool, what string) {
	if !told {
		l.doc.Errorf(at, "an undo changes only what the step itself has set, and nothing tells that here: give the step unless or creates")
	}
	if !undoTold {
		l.doc.Errorf(at, "nothing tells whether the step is undone: give the undo %s", what)
	}
}

// argv checks a command: was allows the old value as an argument.
func (l *playbookLoader) argv(at strictyaml.Path, argv []string, was bool) {
	if len(argv) == 0 || argv[0] == "" {
		l.doc.Errorf(at, "%s is empty: write the program and its arguments as a list", at[len(at)-1])
		return
	}
	if len(argv) > maxArguments {
		l.doc.Errorf(at, "%s has %d elements: %d is the most", at[len(at)-1], len(argv), maxArguments)
	}
	switch program := argv[0]; {
	case strings.HasPrefix(program, "$"):
		l.doc.Errorf(at.Join(0), "the program itself cannot come from a label: write its path")
	case strings.ContainsAny(program, " \t"):
		l.doc.Errorf(at.Join(0), "%s is not one program: write each argument as an element of its own, no shell splits them", strictyaml.Clip(program))
	default:
		l.absolute(at.Join(0), program)
	}
	if i := slices.IndexFunc(argv, isShell); i >= 0 && slices.ContainsFunc(argv[i+1:], shellText.MatchString) {
		l.doc.Errorf(at, "%s runs a shell over a text: write the program and its arguments as a list, or put the script into a file", at[len(at)-1])
	}
	for i, arg := range argv {
		switch {
		case len(arg) > maxArgument:
			l.doc.Errorf(at.Join(i), "this argument has %d bytes: %d is the most", len(arg), maxArgument)
		case arg == Was && was && i > 0:
		case arg == Was:
			l.doc.Errorf(at.Join(i), "%s stands only as an argument of an undo that says under `was` how the old value is read", Was)
		default:
			l.text(at.Join(i), arg)
		}
	}
}

// text checks a literal or a reference.
func (l *playbookLoader) text(at strictyaml.Path, s string) {
	l.value(at, s)
	if strings.ContainsFunc(s, unicode.IsControl) {
		l.doc.Errorf(at, "%s has control characters", strictyaml.Clip(s))
	}
	if len(s) > maxDeclaredLen {
		l.doc.Errorf(at, "this text has %d bytes: %d is the most", len(s), maxDeclaredLen)
	}
}

// isShell tells by its name whether a program is a shell.
func isShell(program string) bool {
	switch path.Base(program) {
	case "sh", "ash", "bash", "csh", "dash", "fish", "ksh", "mksh", "pwsh", "rbash", "tcsh", "zsh":
		return true
	}
	return false
}

// environment checks variables. A label's value must not choose which program runs.
func (l *playbookLoader) environment(at strictyaml.Path, env map[string]string) {
	l.atMost(at, len(env))
	for name, v := range env {
		switch {
		case !variableName.MatchString(name):
			l.doc.KeyErrorf(at.Join(name), "%s is no name of a variable: letters, digits and underscores", strictyaml.Clip(name))
		case strings.HasPrefix(v, "$") && steering.MatchString(name):
			l.doc.Errorf(at.Join(name), "%s changes what a command does: it takes no label, write its value", name)
		default:
			l.text(at.Join(name), v)
		}
	}
}

func (l *playbookLoader) absolute(at strictyaml.Path, p string) {
	switch key := at[len(at)-1]; {
	case p == "" && !l.doc.Has(at):
	case !path.IsAbs(p):
		l.doc.Errorf(at, "%s is no absolute path: begin it with /", strictyaml.Clip(p))
	case path.Clean(p) != p:
		l.doc.Errorf(at, "%s: write this path as %s", strictyaml.Clip(p), strictyaml.Clip(path.Clean(p)))
	case strings.Contains(p, "$"), strings.ContainsFunc(p, unicode.IsControl), len(p) > maxDeclaredLen:
		l.doc.Errorf(at, "%s cannot stand under %v: a path is literal, without $ and control characters", strictyaml.Clip(p), key)
	}
}

func (l *playbookLoader) atMost(at strictyaml.Path, n int) {
	if n > maxDeclared {
		l.doc.Errorf(at, "%s has %d entries: %d is the most", at[len(at)-1], n, maxDeclared)
	}
}

func (l *playbookLoader) timing(at strictyaml.Path, timeout time.Duration, d cluster.Disturbs) {
	if l.doc.Has(at.Join("timeout")) && (timeout <= 0 || timeout > MaxTimeout) {
		l.doc.Errorf(at.Join("timeout"), "timeout is %s: it must be more than 0 and at most %s", timeout, MaxTimeout)
	}
	all := []string{string(cluster.DisturbsUnit), string(cluster.DisturbsCluster), string(cluster.DisturbsHost)}
	if d != "" && !slices.Contains(all, string(d)) {
		l.doc.Errorf(at.Join("disturbs"), "unknown value %s; %s", strictyaml.Clip(string(d)), strictyaml.DidYouMean(string(d), all))
	}
}

// Capabilities are Linux's by their numbers.
func Capabilities() []string {
	return []string{
		"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
		"CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
		"CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE",
		"CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP",
		"CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF",
		"CAP_CHECKPOINT_RESTORE",
	}
}
