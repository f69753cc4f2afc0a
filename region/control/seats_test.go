package control

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"gazetteer"
)

// stateOf makes a state of regional servers, as in "a:live b:dead".
func stateOf(members string) *state {
	s := &state{Epoch: 1}
	for _, text := range strings.Fields(members) {
		name, st, _ := strings.Cut(text, ":")
		s.Members = append(s.Members, Member{
			Node:  Node{Name: gazetteer.NodeID(name), Addr: name + ":1", Roles: allRoles},
			State: MemberState(st), Server: name,
		})
	}
	return s
}

// seatsOf reads "a* b": a has a vote, b has none.
func seatsOf(text string) (out []seat) {
	for _, name := range strings.Fields(text) {
		server, voter := strings.CutSuffix(name, "*")
		out = append(out, seat{server: server, addr: server + ":1", voter: voter})
	}
	return out
}

func TestReseating(t *testing.T) {
	for _, c := range []struct{ name, members, seats, self, want string }{
		{"alone", "a:live", "a*", "a", ""},
		{"a second has no vote", "a:live b:joining", "a*", "a", "add b"},
		{"two, one vote", "a:live b:live", "a* b", "a", ""},
		{"who is joining gets no vote", "a:live b:live c:joining", "a* b c", "a", ""},
		{"three, three votes", "a:live b:live c:live", "a* b c", "a", "promote b; promote c"},
		{"four, three votes", "a:live b:live c:live d:live", "a* b* c* d", "a", ""},
		{"five votes at most", "a:live b:live c:live d:live e:live f:live", "a* b* c* d e f", "a", "promote d; promote e"},
		{"a dead voter keeps its vote if there is no other", "a:live b:live c:dead", "a* b* c*", "a", ""},
		{"a dead voter is replaced", "a:live b:live c:dead d:live", "a* b* c* d", "a", "demote c; promote d"},
		{"who leaves is removed", "a:live b:live c:leaving", "a* b* c*", "a", "remove c; demote b"},
		{"who is unknown is removed", "a:live b:live", "a* b x*", "a", "remove x"},
		{"a leader that leaves makes another able, then hands over", "a:leaving b:live", "a* b", "a", "promote b; hand over b"},
		{"the leader has a vote before others", "a:live b:live c:live d:live", "a* b* c* d*", "d", "demote c"},
		{"down to one", "a:live b:live", "a* b*", "b", "demote a"},
		{"nobody else", "a:leaving", "a*", "a", ""},
	} {
		s, seats := stateOf(c.members), seatsOf(c.seats)
		var got []string
		for range 10 {
			r, ok := s.reseat(seats, c.self)
			if !ok {
				break
			}
			got = append(got, string(r.verb)+" "+r.seat.server)
			if r.verb == handOver {
				break
			}
			seats = reseated(seats, r)
		}
		if fmt.Sprint(strings.Join(got, "; ")) != c.want {
			t.Errorf("%s: got %s, want %s", c.name, strings.Join(got, "; "), c.want)
		}
	}
}

// reseated is what raft makes of a change.
func reseated(seats []seat, r reseat) []seat {
	out := slices.DeleteFunc(slices.Clone(seats), func(t seat) bool { return t.server == r.seat.server })
	if r.verb != removeSeat {
		out = append(out, seat{r.seat.server, r.seat.addr, r.verb == promote || r.verb == addSeat && r.seat.voter})
	}
	return out
}

func TestSeatsFollowAddresses(t *testing.T) {
	s := stateOf("a:live b:live c:live")
	s.Members[1].Addr = "b:2"
	r, ok := s.reseat(seatsOf("a* b* c*"), "a")
	if !ok || r.verb != addSeat || r.seat != (seat{"b", "b:2", true}) {
		t.Errorf("got %+v", r)
	}
}

// Whatever the members and the seats: it comes to an end, with an odd number of votes, at
// least one of them of a live member if there is one.
func TestReseatingEnds(t *testing.T) {
	states := []string{"live", "dead", "joining", "leaving"}
	for n := range 1 << 12 {
		var members, seats []string
		for i, name := range []string{"a", "b", "c", "d"} {
			members = append(members, name+":"+states[n>>(2*i)&3])
			if v := n >> (8 + i) & 1; v == 1 || name == "a" {
				seats = append(seats, name+"*")
			} else if n>>(2*i)&1 == 1 {
				seats = append(seats, name)
			}
		}
		s, now := stateOf(strings.Join(members, " ")), seatsOf(strings.Join(seats, " "))
		for step := 0; ; step++ {
			r, ok := s.reseat(now, "a")
			if !ok || r.verb == handOver {
				break
			}
			if now = reseated(now, r); step > 20 {
				t.Fatalf("%v %v: no end", members, seats)
			}
			if !slices.ContainsFunc(now, func(t seat) bool { return t.voter }) {
				t.Fatalf("%v %v: nobody has a vote", members, seats)
			}
		}
		if votes := countVotes(now); s.Members[0].State == Live && votes%2 == 0 {
			t.Errorf("%v %v: %d votes in %v", members, seats, votes, now)
		}
	}
}

func countVotes(seats []seat) (n int) {
	for _, t := range seats {
		if t.voter {
			n++
		}
	}
	return n
}

func TestWhatTheLeaderWants(t *testing.T) {
	now := time.Unix(1000, 0)
	ackOf := func(n gazetteer.NodeID, epoch uint64) AckRequest {
		return AckRequest{Node: n, Server: string(n), Addr: string(n) + ":1", Epoch: epoch}
	}
	led := now.Add(-3 * time.Second)
	missing := func(n, dead gazetteer.NodeID) AckRequest {
		q := ackOf(n, 7)
		q.Dead = []gazetteer.NodeID{dead}
		return q
	}
	for _, c := range []struct {
		name, members string
		hear          func(*knowledge)
		seats, want   string
	}{
		{"nothing known", "a:live b:live", func(*knowledge) {}, "a*", "[]"},
		{"dead for long enough", "a:live b:live", func(k *knowledge) { k.report("b", false, now.Add(-time.Second)) }, "a*", "[{[b] dead}]"},
		{"dead, but only just", "a:live b:live", func(k *knowledge) { k.report("b", false, now.Add(-999*time.Millisecond)) }, "a*", "[]"},
		{"the same report again does not begin anew", "a:live b:live", func(k *knowledge) {
			k.report("b", false, now.Add(-time.Second))
			k.report("b", false, now)
		}, "a*", "[{[b] dead}]"},
		{"alive again", "a:live b:dead", func(k *knowledge) { k.report("b", true, now) }, "a*", "[{[b] live}]"},
		{"alive by its own word", "a:live b:dead", func(k *knowledge) { k.acknowledge(ackOf("b", 0), now.Add(-time.Second)) }, "a*", "[{[b] live}]"},
		{"an old word", "a:live b:dead", func(k *knowledge) { k.acknowledge(ackOf("b", 0), now.Add(-time.Minute)) }, "a*", "[]"},
		{"a report counts for more than a word", "a:live b:dead", func(k *knowledge) {
			k.acknowledge(ackOf("b", 9), now)
			k.report("b", false, now.Add(-time.Hour))
		}, "a*", "[]"},
		{"dead by the word of another", "a:live b:live c:live", func(k *knowledge) {
			k.acknowledge(ackOf("b", 7), now.Add(-3*time.Second))
			k.acknowledge(missing("c", "b"), now.Add(-time.Second))
			k.acknowledge(missing("c", "b"), now)
		}, "a*", "[{[b] dead}]"},
		{"missed by another, but only just", "a:live b:live c:live", func(k *knowledge) {
			k.acknowledge(ackOf("b", 7), now.Add(-3*time.Second))
			k.acknowledge(missing("c", "b"), now.Add(-999*time.Millisecond))
		}, "a*", "[]"},
		{"missed by another, but it speaks", "a:live b:live c:live", func(k *knowledge) {
			k.acknowledge(missing("c", "b"), now.Add(-4*time.Second))
			k.acknowledge(ackOf("b", 7), now.Add(-2*time.Second))
		}, "a*", "[]"},
		{"missed by another, but who leads has only begun", "a:live b:live c:live", func(k *knowledge) {
			k.acknowledge(missing("c", "b"), now.Add(-2*time.Second))
			led = now.Add(-2999 * time.Millisecond)
		}, "a*", "[]"},
		{"missed by one of whom nothing is heard", "a:live b:live c:live", func(k *knowledge) {
			k.acknowledge(missing("c", "b"), now.Add(-6*time.Second))
		}, "a*", "[]"},
		{"missed by another for long, and never heard of", "a:live b:live c:live", func(k *knowledge) {
			k.acknowledge(missing("c", "b"), now.Add(-3*time.Second))
		}, "a*", "[{[b] dead}]"},
		{"seen here long ago, dead by the word of another", "a:live b:live c:live", func(k *knowledge) {
			k.report("b", true, now.Add(-time.Hour))
			k.acknowledge(ackOf("b", 7), now.Add(-3*time.Second))
			k.acknowledge(missing("c", "b"), now.Add(-time.Second))
		}, "a*", "[{[b] dead}]"},
		{"not seen any more", "a:live b:live", func(k *knowledge) {
			k.report("b", false, now.Add(-time.Minute))
			k.forget("b")
		}, "a*", "[]"},
		{"has arrived", "a:live b:joining", func(k *knowledge) { k.acknowledge(ackOf("b", 7), now) }, "a*", "[{[b] live}]"},
		{"has not used the plan that names it", "a:live b:joining", func(k *knowledge) { k.acknowledge(ackOf("b", 6), now) }, "a*", "[]"},
		{"another directory", "a:live b:joining", func(k *knowledge) {
			q := ackOf("b", 7)
			q.Server = "b-before"
			k.acknowledge(q, now)
		}, "a*", "[]"},
		{"moved", "a:live b:live", func(k *knowledge) {
			q := ackOf("b", 7)
			q.Addr = "b:2"
			k.acknowledge(q, now)
		}, "a*", "[{b b:2 }]"},
		{"left", "a:live b:leaving", func(k *knowledge) { k.acknowledge(ackOf("a", 7), now) }, "a*", "[{b}]"},
		{"left, but raft has it", "a:live b:leaving", func(k *knowledge) { k.acknowledge(ackOf("a", 7), now) }, "a* b", "[]"},
		{"left, but a does not know", "a:live b:leaving", func(k *knowledge) { k.acknowledge(ackOf("a", 6), now) }, "a*", "[]"},
	} {
		s := stateOf(c.members)
		for i := range s.Members {
			s.Members[i].Since = 7
			s.Default.Servers = append(s.Default.Servers, s.Members[i].Name) // all have their places
		}
		var k knowledge
		led = now.Add(-3 * time.Second)
		c.hear(&k)
		got := fmt.Sprint(s.wants(k.signs(s.Members, time.Second, led, now), seatsOf(c.seats), 4))
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestNewMembersGetTheirPlaces(t *testing.T) {
	for _, c := range []struct {
		members string
		servers []gazetteer.NodeID
		rings   map[string][]gazetteer.NodeID
		want    string
	}{
		{"a:live b:live", []gazetteer.NodeID{"a", "b"}, map[string][]gazetteer.NodeID{"r": {"a"}}, "{r [a b] false}"},
		{"a:live b:joining", []gazetteer.NodeID{"a"}, map[string][]gazetteer.NodeID{"r": {"a"}}, "<nil>"},
		{"a:live b:live", []gazetteer.NodeID{"a"}, map[string][]gazetteer.NodeID{"r": {"a", "b"}}, "{ [a b]}"},
		{"a:live b:live c:live d:live", []gazetteer.NodeID{"a", "b", "c", "d"}, map[string][]gazetteer.NodeID{"r": {"a", "b", "c"}}, "<nil>"},
		{"a:live b:live c:live", []gazetteer.NodeID{"a", "b", "c"}, map[string][]gazetteer.NodeID{"r": {"a", "b"}, "s": {"b"}}, "{s [b c] false}"},
	} {
		s := stateOf(c.members)
		s.Default.Servers = c.servers
		for _, name := range slices.Sorted(maps.Keys(c.rings)) {
			s.Rings = append(s.Rings, shard{Name: name, Members: c.rings[name]})
			s.Default.Rings = append(s.Default.Rings, name)
		}
		if got := fmt.Sprint(s.nextPlace()); got != c.want {
			t.Errorf("%s, %v: got %s, want %s", c.members, c.rings, got, c.want)
		}
	}
}

func TestSilenceIsDeath(t *testing.T) {
	now := time.Unix(1000, 0)
	s := stateOf("a:live b:live c:live d:live")
	var k knowledge
	k.acknowledge(AckRequest{Node: "a", Server: "a"}, now.Add(-silentAfter/2))
	k.acknowledge(AckRequest{Node: "b", Server: "b"}, now.Add(-silentAfter))
	k.report("c", true, now.Add(-time.Hour))
	for _, c := range []struct {
		leads time.Time
		dead  string
	}{{now.Add(-time.Hour), "b d "}, {now.Add(-silentAfter / 2), ""}} {
		known := k.signs(s.Members, time.Second, c.leads, now)
		k.silence(known, c.leads, now)
		got := ""
		for _, m := range s.Members {
			if known[m.Name].dead {
				got += string(m.Name) + " "
			}
		}
		if got != c.dead {
			t.Errorf("leading since %v: %q are dead, want %q", now.Sub(c.leads), got, c.dead)
		}
	}
}
