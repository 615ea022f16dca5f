package repair

// owing checks that what is taken back by itself can be: it waits for the target to be
// in order, and another step has to tell that.
func (l *playbookLoader) owing(steps []Step) {
	for _, s := range steps {
		if onFailure, _ := s.undo(); !onFailure {
			return
		}
	}
	for i, s := range steps {
		if onFailure, unhealthy := s.undo(); onFailure && !unhealthy {
			l.doc.Errorf(keyPath("steps", i, s.Action, "undo", "on_failure"),
				"this is taken back by itself once the target is in order, and every step is one that is to be taken back: end with a step that shows the target's health, or write unhealthy: true")
		}
	}
}

// undo is when a step is taken back by itself.
func (s Step) undo() (onFailure, unhealthy bool) {
	switch {
	case s.Exec != nil && s.Exec.Undo != nil:
		return s.Exec.Undo.OnFailure, s.Exec.Undo.Unhealthy
	case s.HTTP != nil && s.HTTP.Undo != nil:
		return s.HTTP.Undo.OnFailure, s.HTTP.Undo.Unhealthy
	}
	return false, false
}
