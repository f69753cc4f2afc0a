package voice

import (
	"cmp"
	"math"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/mst"
)

// Voice is one region among the regions, as the leader of its raft group speaks for it.
// One goroutine owns it: it calls [Voice.Tick] every 100 ms or so and before anything
// else that happens, tells what it has received and measured, and then performs what
// [Voice.Ready] yields.
type Voice struct {
	cfg    Config
	now    time.Duration
	ticked bool
	number uint64 // of this voice, drawn

	member  *mst.Member
	highest mst.Epoch // heard of
	run     *run      // the epoch entered last, by this voice; nil: none yet

	members []gazetteer.RegionID // sorted, this region included; nil: not told, or removed
	self    int                  // this region's place among them
	peers   []*peer              // the others, sorted

	tree      mst.Tree
	treeAt    time.Duration
	seen      []gazetteer.RegionID // to which an edge took part in its epoch, sorted
	narrow    bool                 // not all edges took part in it
	messages  uint64               // sent for it
	took      Times                // to build it
	branches  []branch
	bridges   []gazetteer.RegionID // to which a provisional branch is wanted
	bridging  []gazetteer.RegionID // the same, as of the last look
	shortcuts []gazetteer.RegionID
	chosen    bool               // the shortcuts of this tree
	contact   gazetteer.RegionID // by which this region joined; empty: none, or no more

	lookAt  time.Duration
	trouble trouble
	tries   int // epochs entered since all was well

	speakAt, spokeAt time.Duration
	hurry            bool // something changed since it spoke
	words            uint64

	saved   Saved    // as asked for last
	told    []Branch // nil: nothing yet
	changed bool
	out     []Envelope
	count   Counters
}

// Envelope is a message and the region it goes to.
type Envelope struct {
	To      gazetteer.RegionID
	Message Message
}

// Ready is what the driver performs, in this order: Save, then Send, then the rest.
type Ready struct {
	// Save, if it is not nil, must be durable, for the region and not only for this
	// process, before anything else is sent. A driver that cannot save stops the voice.
	Save *Saved
	Send []Envelope
	// Installed is the new tree, if there is one.
	Installed *mst.Tree
	// Branches, if not nil, are all links to other regions that are wanted from now on,
	// sorted by region; there may be none. The first Ready has them, too.
	Branches []Branch
	// Changed says that [Voice.Status] tells something new, beyond the passing of time.
	Changed bool
}

// New returns the voice of a region. It is silent until [Voice.Regions] names others.
func New(c Config) (*Voice, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	m, err := mst.New(mst.Config{Self: c.Self, Epoch: c.Saved.Epoch, ResendAfter: c.ResendAfter, JoinWithin: 2*c.AgreeWithin + time.Second})
	if err != nil {
		return nil, err
	}
	s := c.Saved
	v := &Voice{cfg: c, number: c.Rand.Uint64(), member: m, highest: s.Epoch, tree: s.Tree, seen: s.Seen, saved: s}
	for _, b := range s.Branches {
		v.branches = append(v.branches, branch{Branch: b})
		switch {
		case b.Why == Contact:
			v.contact = b.Region
		case b.Why == Shortcut && c.Shortcuts > 0: // no other is chosen before the next tree
			v.shortcuts, v.chosen = append(v.shortcuts, b.Region), true
		}
	}
	return v, nil
}

// Tick tells the time, on a clock that only goes forward.
func (v *Voice) Tick(now time.Duration) {
	v.passOver(now)
	v.now = now
	v.member.Tick(now)
	v.listen()
	v.pursue()
	if now >= v.lookAt {
		v.lookAt = now + max(lookEvery, v.beat()/4)
		v.look()
	}
}

// lookEvery is how soon a voice weighs what has changed. Otherwise it does four times in a
// beat, if that is less often.
const lookEvery = 250 * time.Millisecond

// passOver keeps a pause of this process from looking like the silence of all others:
// time in which it could not listen does not count.
func (v *Voice) passOver(now time.Duration) {
	if gap := now - v.now; v.ticked && gap > v.beat() {
		for _, p := range v.peers {
			p.heardAt += gap
		}
	}
	if !v.ticked && v.tree.Epoch != (mst.Epoch{}) {
		v.treeAt = now // not earlier, as far as this voice knows
	}
	v.ticked = true
}

// Regions names all regions of the planet that were not removed, this one included; at
// most 1024 count. If this one is not among them it was removed, and falls silent.
func (v *Voice) Regions(members []gazetteer.RegionID) {
	names := slices.Compact(slices.Sorted(slices.Values(members)))
	names = names[:min(len(names), maxRegions)]
	self, ok := slices.BinarySearch(names, v.cfg.Self)
	if !ok {
		names = []gazetteer.RegionID{}
	}
	if v.members != nil && slices.Equal(names, v.members) {
		return
	}
	v.members, v.self = names, self
	v.meet(names)
	v.stir()
}

// meet makes a peer for each other region; those known already keep what is known.
func (v *Voice) meet(names []gazetteer.RegionID) {
	var peers []*peer
	for i, name := range names {
		if name == v.cfg.Self {
			continue
		}
		p := v.peer(name)
		if p == nil {
			p = &peer{name: name, heardAt: v.now}
		}
		p.at = i
		p.align(names)
		peers = append(peers, p)
	}
	v.peers = peers
}

// Contact names the region by which this one joined the planet. It is a branch until a
// tree that holds both is installed.
func (v *Voice) Contact(r gazetteer.RegionID) {
	if v.tree.Regions <= 1 && r != v.cfg.Self {
		v.contact = r
		v.stir()
	}
}

// peer returns what is known of another region, nil if it is none.
func (v *Voice) peer(name gazetteer.RegionID) *peer {
	i, ok := slices.BinarySearchFunc(v.peers, name, func(p *peer, n gazetteer.RegionID) int { return cmp.Compare(p.name, n) })
	if !ok {
		return nil
	}
	return v.peers[i]
}

// Step takes a message from another region's voice. What comes from a region that the
// directory does not have is dropped, and counted.
func (v *Voice) Step(from gazetteer.RegionID, m Message) {
	p := v.peer(from)
	if p == nil || m == nil {
		v.count.Strangers++
		return
	}
	v.count.Received[m.Kind()]++
	v.hear(p)
	v.handle(p, m)
}

func (v *Voice) handle(p *peer, m Message) {
	switch m := m.(type) {
	case Word:
		v.onWord(p, m)
	case Call:
		v.onCall(p, m)
	case Offer:
		v.onOffer(p, m)
	case Accept:
		v.onAccept(p, m)
	case Confirm:
		v.onConfirm(p, m)
	case Decline:
		v.onDecline(p, m)
	case Frame:
		v.onFrame(p, m)
	}
}

// Ready returns what is to be done, and forgets it.
func (v *Voice) Ready() Ready {
	out := Ready{Installed: v.follow()}
	v.reckon()
	v.speak()
	out.Save = v.save()
	out.Send, v.out = v.out, nil
	out.Branches = v.tell()
	out.Changed, v.changed = v.changed, false
	return out
}

// save returns what has to be durable now, nil if that is what was saved last.
func (v *Voice) save() *Saved {
	s := Saved{Epoch: v.member.Epoch(), Tree: v.tree, Seen: v.seen, Branches: v.wanted()}
	if s.equal(&v.saved) {
		return nil
	}
	v.saved = s
	return &s
}

func (s *Saved) equal(t *Saved) bool {
	return s.Epoch == t.Epoch && s.Tree.Epoch == t.Tree.Epoch && slices.Equal(s.Branches, t.Branches)
}

func (v *Voice) send(to gazetteer.RegionID, m Message) {
	v.count.Sent[m.Kind()]++
	v.out = append(v.out, Envelope{to, m})
}

// stir makes the voice look and speak soon, and its driver look at the status.
func (v *Voice) stir() {
	v.hurry, v.changed = true, true
	v.lookAt = min(v.lookAt, v.now+lookEvery)
}

// heardOf notes an epoch that somebody knows.
func (v *Voice) heardOf(e mst.Epoch) {
	if e.Compare(v.highest) > 0 && e.Counter < math.MaxInt64 {
		v.highest = e
	}
}
