package console

import (
	"context"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/story"
)

// storyPage is what became of an episode, or of one run of it.
type storyPage struct {
	// Episode and Run are what the engine's state has, nil where it has it no more.
	Episode *api.Episode
	Run     *api.Run
	// Story is what the journal's records tell; without records it has no events.
	Story  story.Story
	Left   int
	Behind bool
	Unread string
	// Partial says that its beginning is not at hand.
	Partial bool
	ID      string
	Split   *split
}

// Released tells whether there may be something to release: the slots after unknown, or
// a circuit that is open.
func (p storyPage) Released() bool {
	if p.Episode == nil || !p.Episode.Closed.IsZero() {
		return false
	}
	for _, r := range p.Story.Refusals {
		if r.Guard == "attempts" {
			return true
		}
	}
	a := p.Episode.LastAnswer
	return a != nil && a.Guard == "attempts" || strings.Contains(p.Episode.WaitsFor, "fettle release")
}

// Undoable tells whether it is a run that may have changed something, which a person can
// ask to have taken back: the form says what would be.
func (p storyPage) Undoable() bool {
	return p.Run != nil && p.Run.Mutated && p.Run.Outcome != "" && p.Run.Undoes == ""
}

// Refused tells whether something was not done, and why is known.
func (p storyPage) Refused() bool {
	return len(p.Story.Refusals) > 0 || p.Episode != nil && p.Episode.LastAnswer != nil || p.Run != nil && p.Run.Reason != ""
}

// Told tells whether people are told of it and nobody has said that it is known.
func (p storyPage) Told() bool {
	if p.Episode == nil {
		return false
	}
	for _, e := range p.Episode.Escalated {
		if !e.Acknowledged {
			return true
		}
	}
	return false
}

func (k *Console) episode(c *gin.Context) { k.tell(c, "Episode") }

func (k *Console) run(c *gin.Context) { k.tell(c, "Run") }

func (k *Console) tell(c *gin.Context, kind string) {
	ctx, id := c.Request.Context(), c.Param("id")
	err := api.CheckID(id)
	var p storyPage
	if err == nil {
		p, err = k.storyPage(ctx, kind, id)
	}
	if err != nil {
		k.fail(c, err)
		return
	}
	title := kind
	switch {
	case p.Episode != nil && p.Episode.Alertname != "":
		title = p.Episode.Alertname
	case p.Story.Alert.Name != "":
		title = p.Story.Alert.Name
	}
	target := p.Story.Target
	if p.Episode != nil && p.Episode.Target != "" {
		target = p.Episode.Target
	}
	if target != "" {
		title += " on " + target
	}
	if kind == "Run" {
		title = "Run: " + title
	}
	k.show(c, http.StatusOK, "story", clipped(title, shortMost), p)
}

// storyPage puts together what the state and the records know. It is not found where
// neither knows anything.
func (k *Console) storyPage(ctx context.Context, kind, id string) (storyPage, error) {
	p, episode := storyPage{ID: id}, id
	recorded, err := k.o.Backend.Recorded(ctx, id)
	if err != nil {
		return p, err
	}
	p.Left, p.Behind, p.Unread = recorded.Left, recorded.Behind, recorded.Unread
	p.Story = story.Tell(id, recorded.Records)
	if kind == "Run" {
		run, err := k.o.Backend.Run(ctx, id)
		switch {
		case err == nil:
			p.Run, episode = &run, run.Episode
		case !api.IsNotFound(err):
			return p, err
		default:
			episode = p.Story.Episode
		}
	}
	if episode != "" {
		e, err := k.o.Backend.Episode(ctx, episode)
		switch {
		case err == nil && e.ID == episode:
			p.Episode = &e
		case err != nil && !api.IsNotFound(err):
			return p, err
		}
	}
	if p.Run == nil && p.Episode == nil && len(recorded.Records) == 0 {
		return p, &api.Error{
			Status: http.StatusNotFound, Message: "no such " + strings.ToLower(kind) + " among the last ones",
			Hint: "what is long over stands in the journal: fettle explain " + id,
		}
	}
	p.Partial = p.Story.Episode == "" || p.Story.Received.IsZero()
	if e := p.Episode; e != nil && e.LastAnswer != nil {
		p.Story.Repeated(e.LastAnswer.Guard, e.LastAnswer.Reason, e.LastAnswer.Count)
	}
	if err := k.within(ctx, &p.Story); err != nil {
		return p, err
	}
	p.Split = newSplit(p.Story)
	return p, nil
}

// within notes the deadline of the playbook's tier.
func (k *Console) within(ctx context.Context, s *story.Story) error {
	if s.Playbook == "" {
		return nil
	}
	books, err := k.o.Backend.Playbooks(ctx)
	if err != nil {
		return err
	}
	of, _, _ := strings.Cut(s.Target, "/")
	for _, b := range books {
		if deadline, ok := b.Deadline(of); ok && b.Name == s.Playbook {
			s.Within(deadline)
		}
	}
	return nil
}
