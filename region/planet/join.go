package planet

import (
	"context"
	"encoding/json"
	"time"

	"gazetteer"
	"gazetteer/mst/voice"
	"gazetteer/region/control"
)

// joinRequest asks a region of a planet to let another one in.
type joinRequest struct {
	Region      gazetteer.RegionID `json:"region"`
	Partitions  uint32             `json:"partitions"`
	Token       string             `json:"token"`
	Description Description        `json:"description"`
}

// joinReply lets it in: everything it has to know to find the others.
type joinReply struct {
	Contact gazetteer.RegionID `json:"contact"` // who answers
	Regions []joinedRegion     `json:"regions"`
}

type joinedRegion struct {
	Name  gazetteer.RegionID `json:"name"`
	Value peerValue          `json:"value"`
}

func encode(d Description) ([]byte, error) { return json.Marshal(d) }

const (
	joinTimeout = 10 * time.Second
	joinAgain   = 500 * time.Millisecond
)

// join makes this region part of the planet of its contacts, unless it is part of one.
// It goes on until one of them answers; a refusal is logged and asked for again, since an
// operator may mend its reason there.
func (p *Planet) join(ctx context.Context) {
	for turn := 0; len(p.Contacts) > 0 && len(p.plan().Peers()) == 0 && ctx.Err() == nil; turn++ {
		addr := p.Contacts[turn%len(p.Contacts)]
		err := p.joinAt(ctx, addr)
		if err == nil {
			return
		}
		p.Logger.Warn("the region has not joined its planet yet", "contact", addr, "error", err)
		select {
		case <-time.After(min(joinAgain<<min(turn, 5), 10*time.Second)):
		case <-ctx.Done():
		}
	}
}

// touchEvery is how often a region looks whether any other one answers.
const touchEvery = 2 * time.Second

// stayInTouch asks a contact again when no other region answers any more, though some
// are known: when all of them have moved, somebody has to be found at a known address.
func (p *Planet) stayInTouch(ctx context.Context) {
	tick := time.NewTicker(touchEvery)
	defer tick.Stop()
	for turn, lost := 0, 0; len(p.Contacts) > 0; turn++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if lost++; p.anybody() {
			lost = 0
		}
		if lost < 2 {
			continue
		}
		addr := p.Contacts[turn%len(p.Contacts)]
		if err := p.joinAt(ctx, addr); err != nil {
			p.Logger.Warn("no other region answers, nor does the contact", "contact", addr, "error", err)
		}
	}
}

// anybody reports whether another region answers, or none is known.
func (p *Planet) anybody() bool {
	others, now := p.others(), time.Now()
	for i := range others {
		if _, ok := p.rtts.of(others[i].Name, now, p.pingPace()); ok {
			return true
		}
	}
	return len(others) == 0
}

func (p *Planet) joinAt(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	plan := p.plan()
	q := joinRequest{Region: p.self, Partitions: plan.Partitions(), Token: p.Token, Description: describe(plan, p.Group.ID(), p.Place)}
	var reply joinReply
	if err := ask(ctx, p.toAddr(addr), "join", q, &reply); err != nil {
		return err
	}
	if len(plan.Tree()) == 0 {
		contact := voice.Saved{Branches: []voice.Branch{{Region: reply.Contact, Why: voice.Contact}}}
		if err := p.Group.Lead(ctx, control.SetTree{Value: contact.Encode()}); err != nil {
			return err
		}
	}
	for _, r := range reply.Regions {
		record := Record{Name: r.Name, Description: r.Value.Description, Standing: Standing{State: r.Value.State}}
		if err := p.note(ctx, &record); err != nil {
			return err
		}
	}
	return nil
}

// admitRegion answers a region that wants to join.
func (p *Planet) admitRegion(ctx context.Context, q joinRequest) (joinReply, error) {
	all, err := p.directory(ctx)
	if err != nil {
		return joinReply{}, err
	}
	if err := p.checkJoin(all, &q); err != nil {
		return joinReply{}, err
	}
	if err := p.describeAs(ctx, q.Region, q.Description, &Standing{State: Live}); err != nil {
		return joinReply{}, err
	}
	return p.welcome(all, q.Region), nil
}

// welcome tells a new region of all others, this one first of all.
func (p *Planet) welcome(all []Record, to gazetteer.RegionID) joinReply {
	own := describe(p.plan(), p.Group.ID(), p.Place)
	out := joinReply{Contact: p.self, Regions: []joinedRegion{{p.self, peerValue{own, Live}}}}
	for _, r := range all {
		if r.Standing.joined() && r.Name != to && r.Name != p.self {
			out.Regions = append(out.Regions, joinedRegion{r.Name, peerValue{r.Description, r.Standing.State}})
		}
	}
	return out
}

func (p *Planet) checkJoin(all []Record, q *joinRequest) error {
	no := func(kind gazetteer.Kind, pointer, format string, args ...any) error {
		return refuse("Join", kind, pointer, format, args...)
	}
	if err := q.Region.Validate(); err != nil {
		return no(gazetteer.Unprocessable, "/region", "%v", err)
	}
	if q.Partitions != p.plan().Partitions() {
		return no(gazetteer.Conflict, "/partitions", "the region has %d partitions, this planet %d: found it anew with as many", q.Partitions, p.plan().Partitions())
	}
	if len(q.Description.Entries) == 0 || len(q.Description.Stores) == 0 {
		return no(gazetteer.Unprocessable, "/description", "the region names no regional server or no store")
	}
	r := find(all, q.Region)
	if r != nil && r.Standing.joined() && r.Group == q.Description.Group {
		return nil // asked again: the first answer was lost
	}
	if q.Region == p.self || r != nil && r.Standing.joined() {
		return no(gazetteer.Conflict, "/region", "the name %q is taken by a region of this planet; take another, or remove that one for good first", q.Region)
	}
	if r == nil || r.Standing.State != Expected || !r.Standing.opens(q.Token, p.Now()) {
		return no(gazetteer.Denied, "/token", "this token does not let the region %q in: it is wrong, used up or has expired; make one with gazetteer region add %s", q.Region, q.Region)
	}
	return p.checkStores(all, q)
}

// checkStores refuses a region whose nodes are named like others: a node's name stands
// for its store.
func (p *Planet) checkStores(all []Record, q *joinRequest) error {
	own := describe(p.plan(), p.Group.ID(), nil)
	others := append([]Record{{Name: p.self, Description: own, Standing: Standing{State: Live}}}, all...)
	for i := range others {
		if s, both := q.Description.shared(&others[i].Description); both && others[i].Name != q.Region && others[i].Standing.joined() {
			return refuse("Join", gazetteer.Conflict, "/description/stores", "region %s has a node of the same name as one of yours (store %016x): node names are unique on the planet", others[i].Name, uint64(s))
		}
	}
	return nil
}
