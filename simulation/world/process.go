package world

import (
	"math/rand/v2"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// tickEvery is the pace at which a process' core is told the time.
const tickEvery = 100 * time.Millisecond

// process is one replica: its core while it runs, and what outlives that.
type process struct {
	world  *World
	i      int
	id     gazetteer.NodeID
	region *region
	shard  *shard
	dice   *rand.Rand
	disk   *disk
	clock  clock

	core   *ring.Replica // nil while the process is down
	life   int           // counts starts
	began  time.Duration
	ticked time.Duration // when the core was last told the time
	paused bool
	gone   bool // down with its machine: nothing there refuses a connection
	barred int  // faults that keep it down

	saving  bool // a save is being synced: the core stands still
	pending *ring.Ready
	inbox   []func(*ring.Replica)
	waiting []func() // of clients, while it is paused
	scans   map[ring.ScanID]*scan
	peers   []*peer // by the number of the process; nil: never met
	wants   []*process
	serving map[gazetteer.Partition]ring.Serving
	writes  map[uint64]*write
	plan    ring.Plan
	origin  *chronicle
	counted ring.Counters // of earlier lives
	shown   ring.Counters // as last written down
	whole   bool          // it serves all that it hosts

	incarnation uint64
	forgot      int   // facts there were when its disk was last lost
	checked     []int // by chronicle: how far its writes were looked at
	looks       int
}

// scan is a snapshot that a process reads for one of its links.
type scan struct {
	ring.Scan
	snapshot ring.Snapshot
	after    gazetteer.Position
}

// start brings a process up on what its disk holds.
func (p *process) start() {
	if p.core != nil || p.barred > 0 {
		return
	}
	p.life++
	if p.incarnation == 0 || p.world.planted != reuseIncarnation {
		p.incarnation = p.dice.Uint64() | 1
	}
	core, err := ring.New(ring.Config{
		Self: p.id, Incarnation: p.incarnation, Reader: p.disk.store, State: p.disk.store.State(),
		Rand: p.world.dice("core "+string(p.id), p.life),
	})
	if err != nil {
		p.world.books.fail("start", p, "%v", err)
		return
	}
	p.core, p.began, p.paused, p.gone, p.saving, p.whole = core, p.world.agenda.Now(), false, false, false, false
	p.scans, p.writes, p.serving = map[ring.ScanID]*scan{}, map[uint64]*write{}, nil
	p.origin = p.world.books.starts(p, core.Origin())
	p.shown = ring.Counters{}
	p.world.cover.Starts++
	p.world.log.node(p.id, "starts")
	p.configure(p.region.planOf(p))
	life := p.life
	p.world.agenda.After(between(p.dice, 0, tickEvery), func() { p.ticks(life) })
}

// ticks keeps the core's time going for as long as this life lasts.
func (p *process) ticks(life int) {
	if p.core == nil || p.life != life {
		return
	}
	p.world.agenda.After(tickEvery, func() { p.ticks(life) })
	if p.paused || p.saving {
		return
	}
	p.work()
	p.look()
}

// give lets something happen to the core: at once, or when it is free again.
func (p *process) give(what func(*ring.Replica)) {
	if p.core == nil {
		return
	}
	p.inbox = append(p.inbox, what)
	if !p.paused && !p.saving {
		p.work()
	}
}

// work gives the core all that has come, as one batch, and performs what it asks for.
func (p *process) work() {
	p.ticked = p.world.agenda.Now()
	p.core.Tick(p.now())
	for i := 0; i < len(p.inbox); i++ {
		p.inbox[i](p.core)
		p.inbox[i] = nil
	}
	p.inbox = p.inbox[:0]
	rd := p.core.Ready()
	p.perform(&rd)
}

// perform does what a Ready asks for, in the order of its contract.
func (p *process) perform(rd *ring.Ready) {
	early := !rd.SaveFirst || p.world.planted == sendBeforeSave
	if early {
		p.sendAll(rd.Send)
		rd.Send = nil
	}
	if rd.Save.Empty() {
		p.finish(rd)
		return
	}
	if p.world.planted == skipSync {
		p.writeUnsynced(rd)
		return
	}
	p.saving, p.pending = true, rd
	life := p.life
	p.world.agenda.After(p.syncs(), func() { p.synced(life) })
}

// synced goes on when a save is durable.
func (p *process) synced(life int) {
	if p.core == nil || p.life != life || !p.saving {
		return
	}
	rd := p.pending
	p.saving, p.pending = false, nil
	p.write(&rd.Save)
	p.finish(rd)
	p.resume()
}

// resume works on what has come meanwhile.
func (p *process) resume() {
	if p.core != nil && !p.paused && !p.saving && len(p.inbox) > 0 {
		p.work()
	}
}

// finish does what follows a save.
func (p *process) finish(rd *ring.Ready) {
	p.sendAll(rd.Send)
	p.sendAll(rd.After)
	p.scan(rd)
	if rd.Serving != nil {
		p.serves(rd.Serving)
	}
	if rd.Peers != nil {
		p.want(rd.Peers)
	}
	for i := range rd.Outcomes {
		p.answer(&rd.Outcomes[i])
	}
}

func (p *process) serves(now map[gazetteer.Partition]ring.Serving) {
	p.serving = now
	whole := len(now) > 0
	for _, part := range p.shard.parts {
		whole = whole && now[part].Reads
	}
	if whole != p.whole {
		p.whole = whole
		p.world.log.node(p.id, map[bool]string{true: "serves", false: "serves no more"}[whole])
	}
}

func (p *process) servesAll() bool { return p.core != nil && p.whole }

// scan closes, opens and goes on with the scans that a Ready names.
func (p *process) scan(rd *ring.Ready) {
	for _, id := range rd.Close {
		if s := p.scans[id]; s != nil {
			s.snapshot.Close()
			delete(p.scans, id)
		}
	}
	for _, o := range rd.Scans {
		s := &scan{Scan: o, snapshot: p.disk.store.Snapshot()}
		p.scans[o.ID] = s
		p.readSoon(s)
	}
	for _, id := range rd.More {
		if s := p.scans[id]; s != nil {
			p.readSoon(s)
		}
	}
}

// scanBatch is how many updates one chunk holds, as the agent reads them.
const scanBatch = 256

func (p *process) readSoon(s *scan) {
	life := p.life
	p.world.agenda.After(between(p.dice, 100*time.Microsecond, time.Millisecond), func() {
		if p.core != nil && p.life == life && p.scans[s.ID] == s {
			c := p.chunk(s)
			p.give(func(r *ring.Replica) { r.Scanned(c) })
		}
	})
}

func (p *process) chunk(s *scan) ring.Chunk {
	c := ring.Chunk{ID: s.ID, Done: true}
	for u, err := range s.snapshot.Scan(s.Partition, s.Above, s.after) {
		if err != nil {
			p.world.books.fail("store", p, "%v", err)
			return c
		}
		if len(c.Updates) == scanBatch {
			c.Done = false
			break
		}
		c.Updates = append(c.Updates, u)
	}
	if k := len(c.Updates); k > 0 {
		s.after = c.Updates[k-1].Position
	}
	if c.Done {
		s.snapshot.Close()
		delete(p.scans, s.ID)
	}
	return c
}

// configure gives the core a plan, if it is another one.
func (p *process) configure(plan ring.Plan) {
	p.plan = plan
	p.give(func(r *ring.Replica) { r.Configure(plan) })
}

// downs says how a process ends.
type downs uint8

const (
	crashes     downs = iota // its machine goes on, and refuses connections
	losesPower               // what was not synced is gone
	losesDisk                // and everything else
	takenOffAir              // the machine is gone for others; its disk is not
)

// end stops a process.
func (p *process) end(how downs) {
	if p.core == nil {
		return
	}
	p.counted = sum(p.counted, p.core.Counters())
	rd := p.pending
	p.core, p.pending, p.inbox, p.saving, p.paused = nil, nil, nil, false, false
	p.gone = how != crashes
	if rd != nil && how == crashes && p.dice.IntN(2) == 0 {
		p.write(&rd.Save) // it was written, and nobody has heard of it
	}
	for _, id := range sortedScans(p.scans) {
		p.scans[id].snapshot.Close()
	}
	p.scans, p.writes, p.waiting, p.serving, p.whole = nil, nil, nil, nil, false
	if p.disk.synced != nil && how != crashes {
		p.replaceDisk(p.disk.synced, false)
	}
	if how == losesDisk {
		p.replaceDisk(newDisk(len(p.world.parts)), true)
	}
	p.hangUp()
	p.world.cover.Ends++
	p.world.log.node(p.id, "ends")
}

func sortedScans(m map[ring.ScanID]*scan) (ids []ring.ScanID) {
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// replaceDisk puts another disk in. The books are told what may be lost with the old one.
func (p *process) replaceDisk(d *disk, disaster bool) {
	old := p.disk
	d.copied, d.slower = old.copied, old.slower
	p.disk = d
	if disaster {
		p.world.books.loses(p, old)
	}
}

// pause lets a process stand still, or go on.
func (p *process) pause(on bool) {
	if p.core == nil || p.paused == on {
		return
	}
	p.paused = on
	p.world.log.node(p.id, map[bool]string{true: "stands still", false: "goes on"}[on])
	if on {
		p.world.network.changed()
		return
	}
	asked := p.waiting
	p.waiting = nil
	for _, do := range asked {
		do()
	}
	p.resume()
	p.world.network.changed()
}

// counters are those of all lives.
func (p *process) counters() ring.Counters {
	if p.core == nil {
		return p.counted
	}
	return sum(p.counted, p.core.Counters())
}
