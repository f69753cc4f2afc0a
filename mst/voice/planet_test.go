package voice_test

import (
	"cmp"
	"container/heap"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/mst"
	"gazetteer/mst/voice"
)

// planet is regions with voices in virtual time: delays, losses, cuts, crashes, changes of
// the leader. It plays the driver, the raft log and the network of each region, and holds
// after every step what the checker demands.
type planet struct {
	setup
	now     time.Duration
	agenda  agenda
	dice    *rand.Rand
	regions []*region // sorted
	cut     map[way]bool
	slower  map[way]float64 // factor on the delay of a way
	checker checker
	sent    [voice.Kinds]int
	bytes   int // of messages that arrived, if they are encoded
	cover   cover

	onSend    func(voice.Message)
	onInstall func(*region)
	onPerform func(*region, voice.Ready)
	drop      func(w way, m voice.Message) bool // what never arrives
}

// setup says how a planet is.
type setup struct {
	seed  uint64
	names []gazetteer.RegionID
	// delays are one-way, from the first name to the second.
	delays map[way]time.Duration
	given  bool    // costs come from the operator
	jitter float64 // standard deviation of a delay, relative
	loss   float64 // probability that a message is lost
	double float64 // probability that a message comes twice
	bare   bool    // messages are not encoded: faster
	// faults is the probability that a process ends when it is asked to save, before or
	// after it has done so; another one follows a second later.
	faults  float64
	nearest int
	pings   time.Duration // pace of measuring; 0: that of the beats
	config  func(*voice.Config)
}

// way is one direction of an edge.
type way struct{ from, to gazetteer.RegionID }

// region is one region: its voice, which may be down, and what outlives it.
type region struct {
	planet     *planet
	name       gazetteer.RegionID
	voice      *voice.Voice // nil while it is down
	lives      int          // voices that spoke for this region so far
	paused     bool
	inbox      []func() // what came during a pause
	disk       []byte   // the saved bytes
	known      []gazetteer.RegionID
	branches   []voice.Branch
	pingAt     time.Duration
	installs   []install
	epochNoted mst.Epoch // by a transcript
}

type install struct {
	at   time.Duration
	tree mst.Tree
}

type event struct {
	at    time.Duration
	order int
	do    func()
}

type agenda []event

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(a[i].at, a[j].at), cmp.Compare(a[i].order, a[j].order)) < 0
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(event)) }
func (a *agenda) Pop() any {
	last := len(*a) - 1
	e := (*a)[last]
	(*a)[last] = event{}
	*a = (*a)[:last]
	return e
}

// newPlanet returns a planet whose regions are all down but know one another.
func newPlanet(s setup) *planet {
	p := &planet{setup: s, dice: rand.New(rand.NewPCG(s.seed, 1)), cut: map[way]bool{}, slower: map[way]float64{}}
	p.names = slices.Sorted(slices.Values(s.names))
	p.cover = cover{}
	p.checker.init(p)
	for _, n := range p.names {
		p.regions = append(p.regions, &region{planet: p, name: n, known: p.names})
	}
	return p
}

func (p *planet) region(n gazetteer.RegionID) *region {
	i, ok := slices.BinarySearchFunc(p.regions, n, func(r *region, n gazetteer.RegionID) int { return cmp.Compare(r.name, n) })
	if !ok {
		panic("no region " + n)
	}
	return p.regions[i]
}

// startAll starts all regions within 200 ms.
func (p *planet) startAll() *planet {
	for _, r := range p.regions {
		p.after(time.Duration(p.dice.Int64N(int64(200*time.Millisecond))), r.start)
	}
	return p
}

func (p *planet) after(in time.Duration, do func()) {
	heap.Push(&p.agenda, event{p.now + in, p.checker.next(), do})
}

// run lets time pass.
func (p *planet) run(d time.Duration) {
	until := p.now + d
	for p.checker.err == nil && len(p.agenda) > 0 && p.agenda[0].at <= until {
		e := heap.Pop(&p.agenda).(event)
		p.now = e.at
		e.do()
	}
	p.now = until
}

// delay draws how long something takes on a way.
func (p *planet) delay(w way) time.Duration {
	d := float64(p.delays[w])
	if f := p.slower[w]; f > 0 {
		d *= f
	}
	if p.jitter > 0 {
		d *= max(0.1, 1+p.jitter*p.dice.NormFloat64())
	}
	return time.Duration(d)
}

func (p *planet) chance(f float64) bool { return f > 0 && p.dice.Float64() < f }

// start brings a voice up from what is on the disk. One that speaks for the region already
// is replaced: the leader has changed.
func (r *region) start() {
	saved, err := voice.DecodeSaved(r.disk)
	if err != nil {
		r.planet.checker.fail("%s: %v", r.name, err)
		return
	}
	r.lives++
	c := voice.Config{Self: r.name, Saved: saved, Given: r.planet.given, Nearest: r.planet.nearest,
		Rand: rand.New(rand.NewPCG(r.planet.seed, gazetteer.Hash(fmt.Sprint(r.name, r.lives))))}
	if r.planet.config != nil {
		r.planet.config(&c)
	}
	r.voice, err = voice.New(c)
	if err != nil {
		r.planet.checker.fail("%s: %v", r.name, err)
		return
	}
	r.paused, r.inbox = false, nil
	r.voice.Tick(r.planet.now)
	v := r.voice
	r.learn(r.known)
	r.ticks(v)
}

func (r *region) crash() { r.voice, r.inbox = nil, nil }

// learn tells the region the directory.
func (r *region) learn(names []gazetteer.RegionID) {
	r.known = names
	if r.voice == nil {
		return
	}
	r.voice.Regions(names)
	if r.planet.given {
		for _, n := range names {
			r.voice.SetCost(n, r.planet.cost(r.name, n))
		}
	}
	r.perform()
}

const tickEvery = 100 * time.Millisecond

// ticks keeps a voice ticking as long as it speaks for the region.
func (r *region) ticks(v *voice.Voice) {
	r.planet.after(tickEvery, func() {
		if r.voice != v {
			return
		}
		r.ticks(v)
		if r.paused {
			return
		}
		v.Tick(r.planet.now)
		r.maybePing()
		r.perform()
	})
}

// maybePing measures the way to every other region, as the transport does.
func (r *region) maybePing() {
	p := r.planet
	if p.given || p.now < r.pingAt {
		return
	}
	r.pingAt = p.now + cmp.Or(p.pings, max(time.Second, time.Duration(len(r.known))*80*time.Millisecond))
	for _, to := range r.known {
		if to != r.name {
			r.ping(to)
		}
	}
}

func (r *region) ping(to gazetteer.RegionID) {
	p, v := r.planet, r.voice
	out, back := way{r.name, to}, way{to, r.name}
	if p.cut[out] || p.cut[back] || p.region(to).voice == nil || p.region(to).paused {
		return
	}
	rtt := p.delay(out) + p.delay(back)
	p.after(rtt, func() {
		if r.voice == v && !r.paused {
			v.Sample(to, rtt)
		}
	})
}

// perform does what the voice asks for: save, then send, then the rest.
func (r *region) perform() {
	out := r.voice.Ready()
	if r.planet.onPerform != nil {
		r.planet.onPerform(r, out)
	}
	if out.Save != nil && !r.save(*out.Save) {
		return
	}
	for _, e := range out.Send {
		r.planet.checker.sending(r, e)
		r.send(e)
	}
	if out.Installed != nil {
		r.installs = append(r.installs, install{r.planet.now, *out.Installed})
		r.planet.checker.installed(r, *out.Installed)
		if r.planet.onInstall != nil {
			r.planet.onInstall(r)
		}
	}
	if out.Branches != nil {
		r.branches = out.Branches
		for _, b := range out.Branches {
			r.planet.cover.note(true, "branch "+b.Why.String())
		}
	}
	r.planet.checker.step(r)
}

// save makes durable what the voice asks for. It reports false if the process has ended.
func (r *region) save(s voice.Saved) bool {
	p := r.planet
	before, after := p.chance(p.faults), p.chance(p.faults)
	if !before {
		r.disk = s.Encode()
		p.checker.saved(r, s)
	}
	if before || after {
		p.cover.note(before, "ended before it saved")
		p.cover.note(!before, "ended after it saved, before it sent")
		r.crash()
		p.after(time.Second, r.start)
		return false
	}
	return true
}

func (r *region) send(e voice.Envelope) {
	p, w := r.planet, way{r.name, e.To}
	p.sent[e.Message.Kind()]++
	p.cover.message(e.Message)
	if p.onSend != nil {
		p.onSend(e.Message)
	}
	copies := 1
	switch {
	case p.chance(p.loss), p.drop != nil && p.drop(w, e.Message):
		copies = 0
	case p.chance(p.double):
		copies = 2
	}
	for range copies {
		p.after(p.delay(w), func() {
			if !p.cut[w] {
				p.region(e.To).take(r.name, p.carried(e.Message))
			}
		})
	}
}

// carried is a message as it comes off the wire.
func (p *planet) carried(m voice.Message) voice.Message {
	if p.bare {
		return m
	}
	b := voice.Encode(m)
	p.bytes += len(b)
	out, err := voice.Decode(b)
	if err != nil {
		p.checker.fail("%v: %v", m, err)
		return m
	}
	return out
}

func (r *region) take(from gazetteer.RegionID, m voice.Message) {
	switch {
	case r.voice == nil:
	case r.paused:
		r.inbox = append(r.inbox, func() { r.take(from, m) })
	default:
		r.voice.Tick(r.planet.now)
		r.voice.Step(from, m)
		r.perform()
	}
}

// pause stops a region's process; all that comes waits.
func (r *region) pause() { r.paused = r.voice != nil }

func (r *region) resume() {
	r.paused = false
	inbox := r.inbox
	r.inbox = nil
	for _, do := range inbox {
		do()
	}
}

// sever cuts all ways between regions that differ in side.
func (p *planet) sever(side func(gazetteer.RegionID) bool) {
	for _, a := range p.names {
		for _, b := range p.names {
			if side(a) != side(b) {
				p.cut[way{a, b}] = true
			}
		}
	}
}

func (p *planet) heal() { clear(p.cut) }

// cost is what the edge costs in truth: the mean round trip in whole microseconds, rounded
// as the known answers are.
func (p *planet) cost(a, b gazetteer.RegionID) uint64 {
	rtt := func(w way) float64 { return 2 * float64(p.delays[w]) / float64(time.Millisecond) * max(1, p.slower[w]) }
	return uint64(math.Round(500 * (rtt(way{a, b}) + rtt(way{b, a}))))
}

// matrix is the delays between the AWS regions: half of the median round trip of each
// direction.
func matrix(t testing.TB) map[way]time.Duration {
	t.Helper()
	text, err := os.ReadFile("../../simulation/ghs/testdata/aws-latency/cloudping-p50-1y.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Data map[gazetteer.RegionID]map[gazetteer.RegionID]float64
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	out := map[way]time.Duration{}
	for a, row := range file.Data {
		for b, ms := range row {
			if a != b {
				out[way{a, b}] = time.Duration(math.Round(ms * float64(time.Millisecond) / 2))
			}
		}
	}
	return out
}

// all32 are the names of the matrix.
func all32(delays map[way]time.Duration) []gazetteer.RegionID {
	names := map[gazetteer.RegionID]bool{}
	for w := range delays {
		names[w.from] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// The planet of 2012.
var seven = []gazetteer.RegionID{"us-east-1", "us-west-1", "us-west-2", "eu-west-1", "ap-southeast-1", "ap-northeast-1", "sa-east-1"}
