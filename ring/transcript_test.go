package ring_test

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/ring"
	"gazetteer/ring/memstore"
)

var rewrite = flag.Bool("update", false, "rewrite the transcripts in testdata")

// TestTranscripts plays the scripts in testdata: a line that starts with "> " is a
// command, what follows is what the mirrors did. Freshness marks are left out.
//
//	> ring a b c d [queue=N]   founds a ring, waits until it serves, and forgets how
//	> put a ID VALUE           a client writes at a; "del a ID" deletes
//	> deliver N                delivers the next N messages; "drop" loses the next one
//	> settle                   delivers until nothing is under way
//	> cut a b, > join a b      breaks a link and opens it again
//	> kill a, > start a        ends a process and starts it on its disk
//	> start a empty            starts it on an empty disk
//	> wait 5s                  lets time pass
//	> show ID                  what each mirror holds of it
func TestTranscripts(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) == 0 {
		t.Fatal("no transcripts in testdata")
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(text))
			if *rewrite {
				if err := os.WriteFile(f, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(text) {
				t.Errorf("the transcript has changed; look at it with -update and git diff. Now:\n%s", got)
			}
		})
	}
}

// play returns the script with what its commands do now.
func play(t *testing.T, script string) string {
	s := &stage{t: t, actors: map[gazetteer.NodeID]*actor{}, cut: map[string]bool{}, names: map[gazetteer.Origin]string{}}
	s.now.Wall = 1_700_000_000_000
	in := bufio.NewScanner(strings.NewReader(script))
	for in.Scan() {
		line := in.Text()
		switch {
		case strings.HasPrefix(line, "#"), line == "":
			s.out.WriteString(line + "\n")
		case strings.HasPrefix(line, "> "):
			s.out.WriteString(line + "\n")
			s.command(strings.Fields(line[2:]))
		}
	}
	return s.out.String()
}

// stage is a ring whose every move is written down.
type stage struct {
	t       *testing.T
	out     strings.Builder
	quiet   bool
	now     ring.Now
	members []gazetteer.NodeID
	actors  map[gazetteer.NodeID]*actor
	wire    []parcel
	cut     map[string]bool
	names   map[gazetteer.Origin]string
	starts  map[gazetteer.NodeID]int
	queue   int
}

type parcel struct {
	from, to gazetteer.NodeID
	msg      ring.Message
}

type actor struct {
	id      gazetteer.NodeID
	store   ring.Store
	replica *ring.Replica
	scans   map[ring.ScanID]*reading
	up      bool
	wants   []gazetteer.NodeID
	linked  map[gazetteer.NodeID]bool
	serving string
}

type reading struct {
	ring.Scan
	snapshot ring.Snapshot
	after    gazetteer.Position
}

const stageBatch = 2 // updates in a message of a scan

var stagePartition = gazetteer.Partition{Type: "sim"}

func (s *stage) say(format string, args ...any) {
	if !s.quiet {
		fmt.Fprintf(&s.out, format+"\n", args...)
	}
}

func (s *stage) command(f []string) {
	switch name := f[0]; name {
	case "ring":
		s.found(f[1:])
	case "put", "del":
		s.write(name, f[1:])
	case "deliver":
		n, _ := strconv.Atoi(f[1])
		for range n {
			s.deliver()
		}
	case "drop":
		s.say("lost: %s", s.describe(s.wire[0]))
		s.wire = s.wire[1:]
	case "settle":
		s.settle()
	case "cut":
		s.breakLink(gazetteer.NodeID(f[1]), gazetteer.NodeID(f[2]))
	case "join":
		delete(s.cut, f[1]+f[2])
		delete(s.cut, f[2]+f[1])
		s.relink()
	case "kill":
		s.kill(gazetteer.NodeID(f[1]))
	case "start":
		s.start(gazetteer.NodeID(f[1]), len(f) > 2)
	case "wait":
		d, err := time.ParseDuration(f[1])
		if err != nil {
			s.t.Fatal(err)
		}
		s.wait(d)
	case "show":
		s.show(gazetteer.ID(f[1]))
	default:
		s.t.Fatalf("no such command: %v", f)
	}
}

func (s *stage) found(args []string) {
	s.queue = 100
	s.starts = map[gazetteer.NodeID]int{}
	for _, a := range args {
		if n, ok := strings.CutPrefix(a, "queue="); ok {
			s.queue, _ = strconv.Atoi(n)
			continue
		}
		s.members = append(s.members, gazetteer.NodeID(a))
	}
	s.quiet = true
	for _, n := range s.members {
		s.start(n, true)
	}
	s.settle()
	s.wait(5 * time.Second)
	s.quiet = false
}

func (s *stage) start(n gazetteer.NodeID, empty bool) {
	a := s.actors[n]
	if a == nil || empty {
		a = &actor{id: n, store: memstore.New()}
		s.actors[n] = a
	}
	s.starts[n]++
	r, err := ring.New(ring.Config{
		Self: n, Incarnation: uint64(s.starts[n]), Reader: a.store, State: a.store.State(),
		Rand: rand.New(rand.NewPCG(1, 1)), QueueMax: s.queue, ScanBatch: stageBatch, Window: 1, CompareEvery: time.Hour,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	a.replica, a.scans, a.up, a.linked, a.serving = r, map[ring.ScanID]*reading{}, true, map[gazetteer.NodeID]bool{}, ""
	s.names[r.Origin()] = fmt.Sprintf("%s%d", n, s.starts[n])
	plan := ring.Plan{Epoch: 1, Rings: []ring.Ring{{Name: "r", Members: s.members, Partitions: []gazetteer.Partition{stagePartition}}}}
	for _, m := range s.members {
		plan.Stores = append(plan.Stores, m.Store())
	}
	r.Tick(s.now)
	r.Configure(plan)
	s.perform(a)
	s.relink()
}

func (s *stage) kill(n gazetteer.NodeID) {
	a := s.actors[n]
	a.up = false
	for _, m := range s.members {
		s.unlink(n, m)
	}
	for _, other := range s.running() {
		other.replica.Alive(n, false)
		s.perform(other)
	}
	s.relink()
}

func (s *stage) running() []*actor {
	var out []*actor
	for _, n := range s.members {
		if a := s.actors[n]; a != nil && a.up {
			out = append(out, a)
		}
	}
	return out
}

func (s *stage) breakLink(a, b gazetteer.NodeID) {
	s.cut[string(a+b)], s.cut[string(b+a)] = true, true
	s.unlink(a, b)
}

// unlink loses what is under way and tells both ends.
func (s *stage) unlink(a, b gazetteer.NodeID) {
	s.wire = slices.DeleteFunc(s.wire, func(p parcel) bool { return p.from == a && p.to == b || p.from == b && p.to == a })
	for _, ends := range [][2]gazetteer.NodeID{{a, b}, {b, a}} {
		x := s.actors[ends[0]]
		if x == nil || !x.linked[ends[1]] {
			continue
		}
		delete(x.linked, ends[1])
		if x.up {
			x.replica.Unlinked(ends[1])
			s.perform(x)
		}
	}
}

// relink opens the links that one of the ends wants, and closes those that none does.
func (s *stage) relink() {
	for i, n := range s.members {
		for _, m := range s.members[i+1:] {
			a, b := s.actors[n], s.actors[m]
			if a == nil || b == nil || !a.up || !b.up {
				continue
			}
			want := (slices.Contains(a.wants, m) || slices.Contains(b.wants, n)) && !s.cut[string(n+m)]
			switch {
			case want && !a.linked[m]:
				a.linked[m], b.linked[n] = true, true
				for _, x := range [][2]*actor{{a, b}, {b, a}} {
					x[0].replica.Alive(x[1].id, true)
					x[0].replica.Linked(x[1].id)
					s.perform(x[0])
				}
			case !want && a.linked[m]:
				s.unlink(n, m)
			}
		}
	}
}

func (s *stage) write(what string, f []string) {
	a := s.actors[gazetteer.NodeID(f[0])]
	w := ring.Write{Token: 1, Partition: stagePartition, ID: gazetteer.ID(f[1]), Ack: ring.AckRing}
	if what == "put" {
		w.Put = []ring.Value{{Body: []byte(f[2])}}
	} else {
		w.Replace = true
	}
	a.replica.Propose(w)
	s.perform(a)
}

func (s *stage) settle() {
	for len(s.wire) > 0 {
		s.deliver()
	}
}

func (s *stage) deliver() {
	if len(s.wire) == 0 {
		return
	}
	p := s.wire[0]
	s.wire = s.wire[1:]
	if a := s.actors[p.from]; a != nil && a.up && isDataMessage(p.msg) {
		a.replica.Sent(p.to, 1)
		s.perform(a)
	}
	to := s.actors[p.to]
	to.replica.Step(p.from, p.msg)
	s.perform(to)
}

func isDataMessage(m ring.Message) bool {
	switch m.(type) {
	case ring.Begin, ring.Elements, ring.Mark:
		return true
	}
	return false
}

func (s *stage) wait(d time.Duration) {
	for end := s.now.Mono + d; s.now.Mono < end; {
		s.now.Mono += 100 * time.Millisecond
		s.now.Wall += 100
		for _, a := range s.running() {
			a.replica.Tick(s.now)
			s.perform(a)
		}
		s.settle()
	}
}

// perform does what the mirror asks for, in the order of the contract, and again while
// that leads to more.
func (s *stage) perform(a *actor) {
	for {
		r := a.replica.Ready()
		if !r.SaveFirst {
			s.send(a, r.Send)
		}
		s.save(a, &r.Save)
		if r.SaveFirst {
			s.send(a, r.Send)
		}
		s.send(a, r.After)
		for _, id := range r.Close {
			a.scans[id].snapshot.Close()
			delete(a.scans, id)
		}
		s.tell(a, &r)
		if r.Peers != nil {
			a.wants = r.Peers
		}
		if !s.read(a, &r) {
			return
		}
	}
}

func (s *stage) send(a *actor, es []ring.Envelope) {
	for _, e := range es {
		if !a.linked[e.To] {
			continue
		}
		p := parcel{a.id, e.To, e.Message}
		s.wire = append(s.wire, p)
		if text := s.describe(p); text != "" {
			s.say("%s", text)
		}
	}
}

func (s *stage) save(a *actor, save *ring.Save) {
	if save.Empty() {
		return
	}
	var parts []string
	for _, h := range save.Remove {
		parts = append(parts, "without "+s.update(h.Update))
	}
	for _, h := range save.Put {
		parts = append(parts, s.update(h.Update))
	}
	for _, c := range save.Journal {
		parts = append(parts, "journal "+s.update(c.Loser))
	}
	if v := save.Raise[stagePartition].Vector; len(v) > 0 {
		parts = append(parts, "vector "+s.vector(v))
	}
	if c := save.Raise[stagePartition].Collected; len(c) > 0 {
		parts = append(parts, "collected "+s.vector(c))
	}
	if save.Raise[stagePartition].Filled {
		parts = append(parts, "filled")
	}
	if len(parts) > 0 {
		s.say("%s saves: %s", a.id, strings.Join(parts, ", "))
	}
	if err := a.store.Save(save); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) tell(a *actor, r *ring.Ready) {
	for _, o := range r.Outcomes {
		switch {
		case o.Err != nil:
			s.say("%s answers the client: %v", a.id, gazetteer.KindOf(o.Err))
		case o.Reached == ring.AckRing:
			s.say("%s answers the client: on a majority of the ring", a.id)
		default:
			s.say("%s answers the client: on this replica only", a.id)
		}
	}
	if r.Serving == nil {
		return
	}
	v := r.Serving[stagePartition]
	now := "does not serve"
	if v.Reads {
		now = "serves"
	}
	if v.Degraded {
		now += ", alone"
	}
	if now != a.serving {
		a.serving = now
		s.say("%s %s", a.id, now)
	}
}

// read performs the scans that a Ready asks for, one chunk each.
func (s *stage) read(a *actor, r *ring.Ready) bool {
	ids := r.More
	for _, sc := range r.Scans {
		a.scans[sc.ID] = &reading{Scan: sc, snapshot: a.store.Snapshot()}
		ids = append(ids, sc.ID)
	}
	for _, id := range ids {
		sc := a.scans[id]
		c := ring.Chunk{ID: id, Done: true}
		for u, err := range sc.snapshot.Scan(sc.Partition, sc.Above, sc.after) {
			if err != nil {
				s.t.Fatal(err)
			}
			if len(c.Updates) == stageBatch {
				c.Done = false
				break
			}
			c.Updates = append(c.Updates, u)
			sc.after = u.Position
		}
		if c.Done {
			sc.snapshot.Close()
			delete(a.scans, id)
		}
		a.replica.Scanned(c)
	}
	return len(ids) > 0
}

func (s *stage) show(id gazetteer.ID) {
	for _, n := range s.members {
		a := s.actors[n]
		us, err := a.store.Resource(stagePartition, id)
		if err != nil {
			s.t.Fatal(err)
		}
		var held []string
		for _, u := range us {
			held = append(held, s.update(u))
		}
		if held == nil {
			held = []string{"nothing"}
		}
		s.say("%s holds: %s", n, strings.Join(held, ", "))
	}
}

func (s *stage) position(p gazetteer.Position) string {
	return fmt.Sprintf("%s:%d", s.names[p.Origin], p.Seq)
}

func (s *stage) vector(v gazetteer.Vector) string {
	out := make([]string, len(v))
	for i, p := range v {
		out[i] = s.position(p)
	}
	slices.Sort(out)
	return "[" + strings.Join(out, " ") + "]"
}

func (s *stage) update(u gazetteer.Update) string {
	if u.Tombstone {
		return fmt.Sprintf("no %s@%s", u.Element.ID, s.position(u.Position))
	}
	return fmt.Sprintf("%s=%s@%s", u.Element.ID, u.Body, s.position(u.Position))
}

func (s *stage) updates(us []gazetteer.Update) string {
	out := make([]string, len(us))
	for i, u := range us {
		out[i] = s.update(u)
	}
	return strings.Join(out, ", ")
}

// describe says what a message says; nothing for freshness marks.
func (s *stage) describe(p parcel) string {
	to := fmt.Sprintf("%s->%s ", p.from, p.to)
	switch m := p.msg.(type) {
	case ring.Greet:
		return to + "greet"
	case ring.Match:
		return to + "match: our vectors are equal"
	case ring.Ask:
		return to + "ask: what is your vector?"
	case ring.Leave:
		return to + "leave"
	case ring.Hello:
		resumed := ""
		if m.Resume != nil {
			resumed = ", goes on after " + s.position(m.Resume.After)
		}
		return to + "hello: I hold " + s.vector(m.Vector) + map[bool]string{false: ", and am empty"}[m.Filled] + resumed
	case ring.Begin:
		return to + map[bool]string{true: "whole scan", false: "scan"}[m.Whole] + " of a snapshot at " + s.vector(m.Snapshot)
	case ring.Elements:
		return to + map[bool]string{true: "live ", false: "element "}[m.Live] + s.updates(m.Updates)
	case ring.Mark:
		return to + map[bool]string{true: "mark, end of scan ", false: "mark "}[m.End] + s.vector(m.Vector)
	case ring.Report:
		return to + "report: durable " + s.vector(m.Durable)
	case ring.Reach:
		return to + "reach: durable " + map[bool]string{true: "everywhere ", false: "on this side "}[m.All] + s.vector(m.Durable)
	}
	return ""
}
