package planet

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/control"
)

// A line a-b-c-d is the tree; the rest is farther.
const line = "a-b=10 b-c=20 c-d=30 a-c=100 a-d=120 b-d=110"

func TestRegionsJoinAndFindTheirTree(t *testing.T) {
	inBubble(t, line, func(e *earth) {
		a := e.found("a")
		d := e.admitted("d", a)
		b := e.admitted("b", a)
		e.admitted("c", b) // by any of them
		e.eventually(30*time.Second, "a-b b-c c-d")
		for _, l := range e.regions {
			if names := l.planet.plan().PeerNames(); len(names) != 3 {
				t.Errorf("%s knows %v", l.name, names)
			}
		}
		if a.knows().Epoch != d.knows().Epoch || len(a.knows().Stores) != 4 {
			t.Errorf("a reckons with %v, d with %v", a.knows().Stores, d.knows().Stores)
		}
		if tree := b.knows().Tree; fmt.Sprint(tree.Branches) != "[a c]" || tree.ID != d.knows().Tree.ID || tree.ID == loneTree || tree.Cut {
			t.Errorf("b reckons with the tree %+v, d with %+v", tree, d.knows().Tree)
		}
		time.Sleep(15 * time.Second) // old branches have drained
		if got := fmt.Sprint(b.edges()); got != "[a-1 271 c-1 271]" {
			t.Errorf("b is linked to %s", got)
		}
		top, err := d.planet.Operator().Topology(t.Context())
		if err != nil || top.Weight != 60*time.Millisecond || len(top.Regions) != 4 || len(top.Edges) != 6 || top.Messages == 0 {
			t.Errorf("%+v, %v", top, err)
		}
	})
}

func TestARegionIsCutOffAndComesBack(t *testing.T) {
	inBubble(t, line, func(e *earth) {
		a := e.found("a")
		for _, name := range []gazetteer.RegionID{"b", "c", "d"} {
			e.admitted(name, a)
		}
		e.eventually(30*time.Second, "a-b b-c c-d")
		time.Sleep(15 * time.Second)
		e.setCut("b", true)
		time.Sleep(4 * time.Second)
		if tree := a.knows().Tree; !tree.Cut {
			t.Errorf("b is silent, and a reckons with %+v", tree)
		}
		e.eventually(20*time.Second, "a-b(draining) a-c b-c(draining) c-d")
		top, err := a.planet.Operator().Topology(t.Context())
		if err != nil || stateIn(top, "b") != "unreachable" || stateIn(top, "c") != "live" {
			t.Errorf("%+v, %v", top.Regions, err)
		}
		time.Sleep(pingTimeout)
		if tree := a.knows().Tree; tree.Cut || fmt.Sprint(tree.Branches) != "[c]" {
			t.Errorf("the tree is without b, and a reckons with %+v", tree)
		}
		if near := a.planet.Nearest(); len(near) != 2 || near[0].Region != "c" {
			t.Errorf("nearest to a are %v", near)
		}
		e.setCut("b", false)
		e.eventually(60*time.Second, "a-b a-c(draining) b-c c-d")
		e.eventually(60*time.Second, "a-b b-c c-d")
	})
}

func stateIn(top region.Topology, name gazetteer.RegionID) string {
	for _, r := range top.Regions {
		if r.Name == name {
			return r.State
		}
	}
	return "missing"
}

func TestJoiningIsRefusedInTheRightWords(t *testing.T) {
	inBubble(t, line, func(e *earth) {
		a := e.found("a")
		used, _, err := a.planet.Admit(t.Context(), "b")
		if err != nil {
			t.Fatal(err)
		}
		b := e.found("b", joining(a, used))
		e.eventually(30*time.Second, "a-b")
		late, _, err := a.planet.Admit(t.Context(), "d")
		if err != nil {
			t.Fatal(err)
		}
		token, _, err := a.planet.Admit(t.Context(), "c")
		if err != nil {
			t.Fatal(err)
		}
		before := len(e.directory)
		ask := func(change func(*joinRequest)) error {
			q := joinRequest{Region: "c", Partitions: 271, Token: token, Description: sampleDescription()}
			q.Description.Stores = []StoreID{7}
			change(&q)
			_, err := b.planet.admitRegion(t.Context(), q)
			return err
		}
		for _, c := range []struct {
			name   string
			change func(*joinRequest)
			kind   gazetteer.Kind
			says   string
		}{
			{"no token", func(q *joinRequest) { q.Token = "" }, gazetteer.Denied, "does not let the region"},
			{"another's token", func(q *joinRequest) { q.Token = late }, gazetteer.Denied, "does not let the region"},
			{"not expected", func(q *joinRequest) { q.Region = "e" }, gazetteer.Denied, "gazetteer region add e"},
			{"a used token", func(q *joinRequest) { q.Region, q.Token = "b", used }, gazetteer.Conflict, "is taken"},
			{"the name of who is asked", func(q *joinRequest) { q.Region = "b" }, gazetteer.Conflict, "is taken"},
			{"no name", func(q *joinRequest) { q.Region = "No Name" }, gazetteer.Unprocessable, "not a DNS label"},
			{"another planet", func(q *joinRequest) { q.Partitions = 16 }, gazetteer.Conflict, "16 partitions"},
			{"a node's name twice", func(q *joinRequest) { q.Description.Stores = []StoreID{StoreID(gazetteer.NodeID("a-1").Store())} }, gazetteer.Conflict, "region a has a node of the same name"},
			{"nobody to ask", func(q *joinRequest) { q.Description.Entries = nil }, gazetteer.Unprocessable, "no regional server"},
		} {
			if err := ask(c.change); gazetteer.KindOf(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("%s: got %v (%v), want %q", c.name, err, gazetteer.KindOf(err), c.says)
			}
		}
		if len(e.directory) != before || len(a.planet.plan().PeerNames()) != 1 {
			t.Errorf("something changed: %v, %v", e.directory, a.planet.plan().PeerNames())
		}
		if err := ask(func(*joinRequest) {}); err != nil {
			t.Errorf("all is right: %v", err)
		}
		if err := ask(func(*joinRequest) {}); err != nil {
			t.Errorf("the same region again, whose answer was lost: %v", err)
		}
		if err := ask(func(q *joinRequest) { q.Description.Group = "another" }); gazetteer.KindOf(err) != gazetteer.Conflict {
			t.Errorf("another region of the name: %v", err)
		}
		time.Sleep(AdmitFor)
		if err := ask(func(q *joinRequest) { q.Region, q.Token = "d", late }); gazetteer.KindOf(err) != gazetteer.Denied {
			t.Errorf("a token that has expired: %v", err)
		}
	})
}

func TestOperatorsOrders(t *testing.T) {
	inBubble(t, line, func(e *earth) {
		a := e.found("a")
		e.admitted("b", a)
		c := e.admitted("c", a)
		e.eventually(30*time.Second, "a-b b-c")
		ctx, do := t.Context(), a.planet
		refused := func(err error, kind gazetteer.Kind, says string) {
			t.Helper()
			if gazetteer.KindOf(err) != kind || !strings.Contains(fmt.Sprint(err), says) {
				t.Errorf("got %v (%v), want %q", err, gazetteer.KindOf(err), says)
			}
		}
		_, _, err := do.Admit(ctx, "b")
		refused(err, gazetteer.Conflict, "part of the planet already")
		_, _, err = do.Admit(ctx, "books")
		refused(err, gazetteer.Conflict, "a type has the name")
		refused(do.Drain(ctx, "mars", true), gazetteer.NotFound, "no region")
		refused(do.Remove(ctx, "mars", true), gazetteer.NotFound, "no region")
		refused(do.Remove(ctx, "c", false), gazetteer.Conflict, "Drain it first")

		if err := do.Drain(ctx, "c", true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		if near := a.planet.Nearest(); len(near) != 1 || near[0].Region != "b" {
			t.Errorf("clients of a go to %v, want b only", near)
		}
		if got := standings(a.planet) + standings(c.planet); got != "a live self; b live; c draining; a live; b live; c draining self; " {
			t.Errorf("a and c know %s", got)
		}
		if _, ok := a.planet.Of("c"); !ok {
			t.Error("a draining region cannot be named any more")
		}
		if err := do.Remove(ctx, "c", false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if names := fmt.Sprint(a.planet.plan().PeerNames()); names != "[b]" || len(a.knows().Stores) != 2 {
			t.Errorf("a knows %s, stores %v", names, a.knows().Stores)
		}
		if text := e.tree(); !strings.HasPrefix(text, "a-b") || strings.Contains(text, "b-c ") {
			t.Errorf("branches %s", text)
		}
		// What was removed does not come back by itself, nor by its old word.
		if err := c.planet.publish(ctx, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		if names := fmt.Sprint(a.planet.plan().PeerNames()); names != "[b]" {
			t.Errorf("a knows %s", names)
		}
		if err := do.Drain(ctx, "b", true); err != nil {
			t.Error(err)
		}
		refused(do.Drain(ctx, "a", true), gazetteer.Conflict, "nowhere to go")
		refused(do.Remove(ctx, "a", true), gazetteer.Conflict, "last live region")
	})
}

// standings writes down what a region knows of the planet's.
func standings(p *Planet) (out string) {
	for _, s := range p.Sites() {
		out += fmt.Sprintf("%s %s", s.Name, s.State)
		if s.Self {
			out += " self"
		}
		out += "; "
	}
	return out
}

func TestSitesFallSilentAndComeBack(t *testing.T) {
	inBubble(t, line, func(e *earth) {
		a := e.found("a")
		e.admitted("b", a)
		e.eventually(30*time.Second, "a-b")
		time.Sleep(3 * time.Second)
		if got := standings(a.planet); got != "a live self; b live; " {
			t.Fatalf("a knows %s", got)
		}
		if s := a.planet.Sites(); s[1].RTT != e.rtt[pairOf("a", "b")] || len(s[1].Servers) != 1 || len(s[0].Servers) != 1 {
			t.Errorf("a knows %+v", s)
		}
		e.setCut("b", true)
		time.Sleep(10 * time.Second)
		if got := standings(a.planet); got != "a live self; b unreachable; " {
			t.Errorf("a knows %s", got)
		}
		e.setCut("b", false)
		time.Sleep(10 * time.Second)
		if got := standings(a.planet); got != "a live self; b live; " {
			t.Errorf("a knows %s", got)
		}
	})
}

func TestCostsAreGiven(t *testing.T) {
	inBubble(t, line, func(e *earth) {
		given := func(self gazetteer.RegionID) func(*Config, *control.Description) {
			return func(c *Config, _ *control.Description) {
				c.Costs = func(r gazetteer.RegionID) (time.Duration, bool) {
					return 200*time.Millisecond - e.rtt[pairOf(self, r)], true
				}
			}
		}
		a := e.found("a", given("a"))
		for _, name := range []gazetteer.RegionID{"b", "c", "d"} {
			token, _, err := a.planet.Admit(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			e.found(name, joining(a, token), given(name))
		}
		e.eventually(30*time.Second, "a-c a-d b-d") // what is near is dear
	})
}

func TestLettersAreChecked(t *testing.T) {
	inBubble(t, line, func(e *earth) {
		a := e.found("a")
		time.Sleep(2 * time.Second)
		if _, err := a.planet.ServeVoice("b", []byte{200, 1, 2}); gazetteer.KindOf(err) != gazetteer.Invalid {
			t.Errorf("got %v", err)
		}
		for _, request := range []string{"", "{}", `{"v":9,"kind":"where","body":{}}`, `{"v":1,"kind":"gossip","body":{}}`, `{"v":1,"kind":"where","body":{"tipes":[]}}`} {
			if reply, err := a.planet.Serve(t.Context(), []byte(request)); err == nil {
				t.Errorf("%s is answered with %s", request, reply)
			}
		}
	})
}
