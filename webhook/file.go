package webhook

import (
	"io"

	"github.com/fettle-io/fettle/alert"
)

// Read reads a message that was kept, with the checks of one that is received, and
// calls each with every alert in it, bounded as the engine gets them. None is given
// before all of the message was found to be in order.
func Read(r io.Reader, each func(alert.Alert) error) error {
	var all []alert.Alert
	_, err := newParser().read(r, func(a alert.Alert) error {
		all = append(all, alert.Bound(a))
		return nil
	})
	if err != nil {
		return err
	}
	for _, a := range all {
		if err := each(a); err != nil {
			return err
		}
	}
	return nil
}
