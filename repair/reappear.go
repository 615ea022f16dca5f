package repair

import "github.com/fettle-io/fettle/alert"

// reappears has an alert looked for whose episode was closed because no Alertmanager
// had it any more, and no message has said that it ended. One that comes back before
// Alertmanager's group_interval is over is to it the alert that it has told of: it
// sends nothing until repeat_interval, which may be hours. The polls bring it.
func (e *Engine) reappears(fp alert.Fingerprint) {
	at, untold := e.st.untold[fingerprintOf(fp)]
	if until := at + e.general().PollClosed; untold && until > e.now && e.cfg.Alertmanagers {
		e.back[fp] = until
	}
}

// reappearing is where a start goes on looking.
func (e *Engine) reappearing() {
	for f := range e.st.untold {
		e.reappears(alert.Fingerprint(f.String()))
	}
}

// gone forgets those that did not come back in time.
func (e *Engine) gone() {
	for fp, until := range e.back {
		if e.now >= until {
			delete(e.back, fp)
		}
	}
}
