package console

import (
	"cmp"
	"context"
	"net/url"

	"github.com/fettle-io/fettle/api"
)

// said is what a form carries. By is who sends it.
type said struct {
	ID, Cluster, Reason, Premise, By string
	// opened is the run that doing it opened.
	opened string
}

// deed is something that an operator may do here.
type deed struct {
	title, says, button string
	// reason is needed, comment may be left out; neither: no such field.
	reason, comment bool
	// known: it takes an identity.
	known bool
	// done is said afterwards, on the page that back leads to.
	done string
	back func(said) string
	do   func(ctx context.Context, b Backend, s *said) error
}

func home(said) string { return "/" }

func toRun(s said) string { return "/runs/" + url.PathEscape(cmp.Or(s.opened, s.ID)) }

func toEpisode(s said) string { return "/episodes/" + url.PathEscape(s.ID) }

// acts are all of them, by name.
func acts() map[string]deed {
	return map[string]deed{
		"pause": {
			title: "Pause repairs", button: "Pause", reason: true, done: "Paused.", back: home,
			says: "Nothing is changed by fettle while it is paused. Alerts are still taken, looked at and written down; what is under way is still watched to its end.",
			do: func(ctx context.Context, b Backend, s *said) error {
				_, err := b.Pause(ctx, api.Pause{Cluster: s.Cluster, Reason: s.Reason, By: s.By})
				return err
			},
		},
		"unpause": {
			title: "End a pause", button: "End this pause", done: "The pause is over.", back: home,
			says: "What waited for it is asked again at once, and may be repaired at once.",
			do:   func(ctx context.Context, b Backend, s *said) error { return b.Unpause(ctx, s.ID, s.By) },
		},
		"acknowledge": {
			title: "Acknowledge", button: "Acknowledge", comment: true, done: "Acknowledged: people are told of it no more.", back: toEpisode,
			says: "People are told no more of what they are told now of this episode. It stays open, and fettle goes on as before.",
			do: func(ctx context.Context, b Backend, s *said) error {
				return b.Acknowledge(ctx, api.Word{Episode: s.ID, By: s.By, Comment: s.Reason})
			},
		},
		"close": {
			title: "Close an episode", button: "Close this episode", reason: true, done: "Closed.", back: toEpisode,
			says: "fettle does no more about it: it is left to people. An alert that fires again later opens another one.",
			do:   func(ctx context.Context, b Backend, s *said) error { return b.Close(ctx, s.ID, s.By, s.Reason) },
		},
		"release": {
			title: "Release: close the circuit", button: "Release", done: "Released: it is asked again at once.", back: toEpisode,
			says: "Its slots are free again, its attempts are forgotten and its circuit is closed: it is asked again at once, and may be repaired at once. Do it when you know that nothing of the last run is still under way.",
			do:   func(ctx context.Context, b Backend, s *said) error { return b.Release(ctx, s.ID, s.By) },
		},
		"approve": {
			title: "Approve a repair", button: "Approve exactly this", comment: true, known: true, done: "Approved.", back: toEpisode,
			says: "What stands below is done once enough people have approved it, if it is still so then: if any line of it has changed, the approval is worth nothing.",
			do: func(ctx context.Context, b Backend, s *said) error {
				_, err := b.Approve(ctx, api.Word{Episode: s.ID, Premise: s.Premise, By: s.By, Comment: s.Reason})
				return err
			},
		},
		"undo": {
			title: "Take back a run", button: "Take it back", reason: true, done: "This run takes it back.", back: toRun,
			says: "What stands below is put back by a run of its own, through the same guards: what they refuse is not done, and that run says so. Only what is still as the run set it is changed.",
			do: func(ctx context.Context, b Backend, s *said) error {
				u, err := b.TakeBack(ctx, s.ID, s.By, s.Reason)
				s.opened = u.Opened
				return err
			},
		},
		"leave": {
			title: "Leave it as it is", button: "Leave it as it is", done: "It is left as it is.", back: toRun,
			says: "fettle takes this back by itself no more. A person still can.",
			do:   func(ctx context.Context, b Backend, s *said) error { return b.LeaveUndo(ctx, s.ID, s.By) },
		},
	}
}
