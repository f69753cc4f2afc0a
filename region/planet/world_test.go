package planet

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gazetteer"
	"gazetteer/mst/voice"
	"gazetteer/region"
	"gazetteer/region/control"
)

// earth is a planet in virtual time: real raft groups of one, real voices, a network of
// function calls that take their time, and one directory, as if the feed took none.
type earth struct {
	t   *testing.T
	rtt map[[2]gazetteer.RegionID]time.Duration // not changed once there are regions

	mu        sync.Mutex // guards following
	regions   map[gazetteer.RegionID]*land
	directory map[gazetteer.RegionID]*gazetteer.Record
	cut       map[gazetteer.RegionID]bool // from all others
	pings     int                         // that were sent
}

// land is one region of one process.
type land struct {
	e      *earth
	name   gazetteer.RegionID
	group  *control.Group
	planet *Planet

	mu     sync.Mutex // guards following
	beyond Beyond
}

// inBubble runs f in virtual time.
func inBubble(t *testing.T, rtts string, f func(e *earth)) {
	synctest.Test(t, func(t *testing.T) {
		e := &earth{t: t, rtt: map[[2]gazetteer.RegionID]time.Duration{}, regions: map[gazetteer.RegionID]*land{},
			directory: map[gazetteer.RegionID]*gazetteer.Record{}, cut: map[gazetteer.RegionID]bool{}}
		for _, line := range strings.Fields(rtts) {
			var a, b string
			var ms int
			if _, err := fmt.Sscanf(strings.NewReplacer("-", " ", "=", " ").Replace(line), "%s %s %d", &a, &b, &ms); err != nil {
				t.Fatal(line, err)
			}
			e.rtt[pairOf(gazetteer.RegionID(a), gazetteer.RegionID(b))] = time.Duration(ms) * time.Millisecond
		}
		defer e.end()
		f(e)
	})
}

func pairOf(a, b gazetteer.RegionID) [2]gazetteer.RegionID {
	return [2]gazetteer.RegionID{min(a, b), max(a, b)}
}

func (e *earth) end() {
	for _, l := range e.regions {
		l.planet.Close()
	}
	for _, l := range e.regions {
		if err := l.group.Close(); err != nil {
			e.t.Error(err)
		}
	}
}

// found starts a region; with a contact and a token it joins the planet.
func (e *earth) found(name gazetteer.RegionID, change ...func(*Config, *control.Description)) *land {
	e.t.Helper()
	l := &land{e: e, name: name}
	d := control.SingleDescription(name, gazetteer.NodeID(name+"-1"))
	d.Nodes[0].Addr = string(name) + ":1"
	c := Config{Node: d.Nodes[0].Name, Server: l, Network: l, Beyond: l.told, Hosted: l.hosted}
	for _, f := range change {
		f(&c, &d)
	}
	c.Node = d.Nodes[0].Name
	group, err := control.Start(e.t.Context(), control.Config{Node: d.Nodes[0], Found: &d})
	if err != nil {
		e.t.Fatal(err)
	}
	l.group, c.Group = group, group
	l.planet = Start(e.t.Context(), c)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.regions[name] = l
	return l
}

// admitted founds a region that joins by another one.
func (e *earth) admitted(name gazetteer.RegionID, by *land, change ...func(*Config, *control.Description)) *land {
	e.t.Helper()
	token, _, err := by.planet.Admit(e.t.Context(), name)
	if err != nil {
		e.t.Fatal(err)
	}
	return e.found(name, append(change, joining(by, token))...)
}

func joining(by *land, token string) func(*Config, *control.Description) {
	return func(c *Config, _ *control.Description) {
		c.Contacts, c.Token = []string{string(by.name) + ":1"}, token
	}
}

func (l *land) told(b Beyond) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.beyond = b
}

// knows returns what a region's node was told last.
func (l *land) knows() Beyond {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.beyond
}

func (l *land) hosted() ([]gazetteer.Type, <-chan struct{}) {
	return []gazetteer.Type{"t"}, make(chan struct{})
}

// edges returns the nodes that a region's node is told to link to.
func (l *land) edges() (out []string) {
	for _, e := range l.knows().Edges {
		out = append(out, fmt.Sprintf("%s %d", e.Peer, len(e.Partitions)))
	}
	return out
}

func (e *earth) setCut(r gazetteer.RegionID, cut bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cut[r] = cut
}

// travel takes the time of one way, or fails in the end.
func (e *earth) travel(ctx context.Context, a, b gazetteer.RegionID) error {
	e.mu.Lock()
	cut := a != b && (e.cut[a] || e.cut[b])
	e.mu.Unlock()
	way := e.rtt[pairOf(a, b)] / 2
	if cut {
		way = time.Hour
	}
	select {
	case <-time.After(way):
		return nil
	case <-ctx.Done():
		return &gazetteer.Error{Op: "earth.travel", Kind: gazetteer.Deadline, Err: ctx.Err()}
	}
}

func (l *land) call(ctx context.Context, to gazetteer.RegionID, service string, request []byte) ([]byte, error) {
	l.e.mu.Lock()
	there := l.e.regions[to]
	l.e.mu.Unlock()
	if there == nil {
		return nil, &gazetteer.Error{Op: "earth.call", Kind: gazetteer.Unavailable, Detail: "nobody is there"}
	}
	if err := l.e.travel(ctx, l.name, to); err != nil {
		return nil, err
	}
	var reply []byte
	var err error
	if service == VoiceService {
		reply, err = there.planet.ServeVoice(l.name, request)
	} else {
		reply, err = there.planet.Serve(ctx, request)
	}
	if lost := l.e.travel(ctx, to, l.name); lost != nil {
		return nil, lost
	}
	return reply, err
}

func (l *land) CallNode(ctx context.Context, n gazetteer.NodeID, service string, request []byte) ([]byte, error) {
	return l.call(ctx, gazetteer.RegionID(strings.TrimSuffix(string(n), "-1")), service, request)
}

func (l *land) CallAddr(ctx context.Context, addr, service string, request []byte) ([]byte, error) {
	return l.call(ctx, gazetteer.RegionID(strings.TrimSuffix(addr, ":1")), service, request)
}

func (l *land) PingNode(ctx context.Context, n gazetteer.NodeID) (time.Duration, error) {
	to, start := gazetteer.RegionID(strings.TrimSuffix(string(n), "-1")), time.Now()
	l.e.mu.Lock()
	l.e.pings++
	l.e.mu.Unlock()
	if err := l.e.travel(ctx, l.name, to); err != nil {
		return 0, err
	}
	return 2 * time.Since(start), nil
}

func (l *land) Tier(gazetteer.NodeID, region.Role) region.Tier { return nil }

// Regions and WriteRegion are the one directory.
func (l *land) Regions(context.Context) (out []gazetteer.Record, err error) {
	l.e.mu.Lock()
	defer l.e.mu.Unlock()
	for _, r := range l.e.directory {
		out = append(out, gazetteer.Record{Key: r.Key, Attributes: r.Attributes, Locations: slices.Clone(r.Locations)})
	}
	return out, nil
}

func (l *land) WriteRegion(_ context.Context, r gazetteer.RegionID, c region.RegionChange) error {
	l.e.mu.Lock()
	defer l.e.mu.Unlock()
	record := l.e.directory[r]
	if record == nil {
		record = &gazetteer.Record{Key: gazetteer.Key{Type: gazetteer.RegionsType, ID: gazetteer.ID(r)}}
		l.e.directory[r] = record
	}
	if c.Attributes != nil {
		record.Attributes = c.Attributes
	}
	if c.Location != nil {
		same := func(l gazetteer.Location) bool { return l.ID == c.Location.ID }
		record.Locations = append(slices.DeleteFunc(record.Locations, same), *c.Location)
	}
	return nil
}

func (l *land) Types(context.Context) ([]region.TypeSpec, error) {
	return []region.TypeSpec{{Name: "books"}}, nil
}

// tree returns the branches of all regions, as in "a-b b-c"; what is no tree edge says why
// it is there.
func (e *earth) tree() string {
	var out []string
	for _, l := range e.regions {
		saved, err := savedIn(l.planet.plan())
		if err != nil {
			e.t.Fatal(err)
		}
		for _, b := range saved.Branches {
			text := fmt.Sprintf("%s-%s", min(l.name, b.Region), max(l.name, b.Region))
			if b.Why != voice.Tree {
				text += "(" + b.Why.String() + ")"
			}
			out = append(out, text)
		}
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " ")
}

// state tells what each region knows, for a test that has failed.
func (e *earth) state() (out string) {
	for name, l := range e.regions {
		saved, err := savedIn(l.planet.plan())
		lead, _ := l.group.Leader()
		out += fmt.Sprintf("\n%s: peers %v, saved %+v %v, leads %v", name, l.planet.plan().PeerNames(), saved, err, lead.Self)
		if s := l.planet.status.Load(); s != nil {
			out += fmt.Sprintf(", running %v, epoch %v, cause %v, failure %q, counters %+v", s.Running, s.Epoch, s.Cause, s.Failure, s.Counters)
		}
	}
	return out
}

// eventually waits in virtual time until the branches are as they should be.
func (e *earth) eventually(within time.Duration, want string) {
	e.t.Helper()
	for begin := time.Now(); e.tree() != want; time.Sleep(100 * time.Millisecond) {
		if time.Since(begin) > within {
			e.t.Fatalf("after %v the branches are %s, want %s%s", within, e.tree(), want, e.state())
		}
	}
}
