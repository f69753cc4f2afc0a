package drive

import (
	"context"
	"errors"
	"maps"
	"strings"

	"gazetteer"
	"gazetteer/simulation/check"
)

var errMoving = errors.New("not at rest")

// settle waits until the planet is at rest and nothing is missing, at most as long as it
// may take, and records what there is then, whatever it is.
func (r *run) settle(ctx context.Context, h *check.History, ws *watchers) error {
	waiting, cancel := context.WithTimeout(ctx, r.Settle)
	defer cancel()
	err := r.until(waiting, func() error {
		if err := r.look(ctx, h); err != nil {
			return err
		}
		if !r.rests(h, ws) {
			return errMoving
		}
		return nil
	})
	if errors.Is(err, errMoving) {
		return nil // that is for the judge to say
	}
	return err
}

// look asks all regions what they hold and what stands in their journals.
func (r *run) look(ctx context.Context, h *check.History) error {
	ctx, cancel := context.WithTimeout(ctx, 2*r.Patience)
	defer cancel()
	before := h.Rest
	h.Rest, h.Journal, h.JournalCut = nil, nil, false
	for _, d := range r.doors {
		c := check.Copy{Door: d.url, Held: map[string]check.Held{}}
		for doc, err := range d.client.ExportDocuments(ctx, string(r.Type), r.prefix) {
			if err != nil {
				h.Rest = before
				return err
			}
			if !r.isReady(doc.ID) {
				c.Held[doc.ID] = check.Held{Value: valueOf(doc.Locations), Version: doc.Version}
			}
		}
		h.Rest = append(h.Rest, c)
		if err := r.journal(ctx, d, h); err != nil {
			return err
		}
	}
	return nil
}

// isReady: those show that a region takes writes, and are no part of the history.
func (r *run) isReady(id string) bool { return strings.HasPrefix(id, r.prefix+"ready-") }

// rests reports whether all regions are equal, every watch has shown it, and no promise is
// broken that time may still mend.
func (r *run) rests(h *check.History, ws *watchers) bool {
	for i, c := range h.Rest {
		if !maps.Equal(c.Held, h.Rest[0].Held) || !ws.all[i].shows(c.Held) {
			return false
		}
	}
	return check.Judge(&check.History{Ops: h.Ops, Rest: h.Rest, Journal: h.Journal}, check.Terms{From: r.From}).Of(check.Kept).Broken == 0
}

// journalMax is as many entries as a server tells.
const journalMax = 10_000

// journal adds what one door knows of losers.
func (r *run) journal(ctx context.Context, d *door, h *check.History) error {
	list, err := d.client.Conflicts(ctx, journalMax)
	if err != nil {
		return err
	}
	h.JournalCut = h.JournalCut || list.Total > len(list.Conflicts)
	for _, c := range list.Conflicts {
		if gazetteer.Type(c.Type) == r.Type && c.Location == locationID && strings.HasPrefix(c.ID, r.prefix) {
			h.Journal = append(h.Journal, check.Journaled{Element: c.ID, Value: valueIn(c.Loser.Body)})
		}
	}
	return nil
}
