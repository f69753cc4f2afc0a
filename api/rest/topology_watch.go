package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer/region"
	"gazetteer/region/watch"
)

// planetEvery is how often a followed planet is looked at. Its lags grow and shrink all the
// time: more often than this nobody can read them.
const planetEvery = time.Second

// planetShown is the planet as its followers are shown it: the bodies of GET /v1/topology
// and GET /v1/regions.
type planetShown struct{ topology, regions []byte }

// planetLook is the latest look at the planet. All that follow it share it: ten thousand of
// them cost the region as much as one.
type planetLook struct {
	mu    sync.Mutex // guards following, and is held while somebody looks
	at    time.Time
	shown planetShown
	err   error
}

// now returns a look that is no older than planetEvery.
func (p *planetLook) now(look func() (planetShown, error)) (planetShown, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at.IsZero() || time.Since(p.at) >= planetEvery {
		p.shown, p.err = look()
		p.at = time.Now()
	}
	return p.shown, p.err
}

// lookAtPlanet does not end when the one client goes that happens to look for all.
func (h *Handler) lookAtPlanet() (s planetShown, err error) {
	ctx, cancel := context.WithTimeout(h.serving, operateWithin)
	defer cancel()
	t, err := h.operator.Topology(ctx)
	if err != nil {
		return s, err
	}
	if s.topology, err = json.Marshal(mapOf(&t)); err != nil {
		return s, err
	}
	s.regions, err = json.Marshal(knownOfAll(&t))
	return s, err
}

// followPlanet streams the planet as this region knows it: the events "topology" and
// "regions", each when what it holds is another than before.
func (h *Handler) followPlanet(c *gin.Context) error {
	// Refuses what there is no operator for, before the stream begins.
	if err := h.operate(c, operation{}, func(context.Context, region.Operator) error { return nil }); err != nil {
		return err
	}
	f := planetFlow{h: h, out: h.flow(c, formOf(c.Request)), wrote: time.Now()}
	return h.flowing(c, f.out, f.run)
}

// planetFlow is the stream of one client, and what he was told.
type planetFlow struct {
	h     *Handler
	out   *flow
	told  planetShown
	wrote time.Time
}

// run tells until ctx ends, the client takes nothing, or nobody knows the planet: then it
// comes again, and hears why.
func (f *planetFlow) run(ctx context.Context) error {
	again := time.NewTicker(planetEvery)
	defer again.Stop()
	for {
		now, err := f.h.latest.now(f.h.lookAtPlanet)
		if err != nil {
			return operation{}.told(err)
		}
		if err := f.tell(now); err != nil {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *planetFlow) tell(now planetShown) error {
	o := f.out
	o.buf = o.buf[:0]
	if !o.begun {
		o.begin()
	}
	if !bytes.Equal(now.topology, f.told.topology) {
		o.buf = appendPlanet(o.buf, o.form, "topology", now.topology)
	}
	if !bytes.Equal(now.regions, f.told.regions) {
		o.buf = appendPlanet(o.buf, o.form, "regions", now.regions)
	}
	f.told = now
	switch {
	case len(o.buf) > 0:
		f.wrote = time.Now()
		return o.send(o.buf)
	case time.Since(f.wrote) >= beatEvery:
		f.wrote = time.Now()
		return o.show([]*watch.Entry{{Kind: watch.Beat}})
	}
	return nil
}

func appendPlanet(dst []byte, f form, event string, body []byte) []byte {
	if f == asEvents {
		dst = append(append(append(dst, "event: "...), event...), "\ndata: "...)
		return append(append(dst, body...), "\n\n"...)
	}
	dst = append(append(append(dst, `{"event":"`...), event...), `","`...)
	return append(append(append(append(dst, event...), `":`...), body...), "}\n"...)
}

// followed reads whether a client wants to follow the planet. It is all that he may say.
func followed(r *http.Request) (follow bool, err error) {
	err = eachParameter(r.URL.RawQuery, "", func(name, value string) (err error) {
		if name != "watch" {
			return unknownParameter(name, "watch")
		}
		follow, err = flagParameter(name, value)
		return err
	})
	return follow, err
}
