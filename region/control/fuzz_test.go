package control

import (
	"bytes"
	"context"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/cluster"
)

// seeds returns commands of all kinds, most of which the founded machine accepts.
func seeds(t testing.TB) (out [][]byte) {
	m := founded(t)
	s := m.now.Load().state
	first, err := foundingState(threeNodes(), "a", "a/1")
	if err != nil {
		t.Fatal(err)
	}
	ring, err := m.now.Load().plan.WithRing("ndt", "ndt-c", ids("c"))
	if err != nil {
		t.Fatal(err)
	}
	e := joinWith(t, m, "n1", allRoles)
	for _, e := range []Edit{
		found{first}, e, addToken{Token: s.clone().withToken().Tokens[0], At: at}, RevokeToken{"abababababab"},
		mark{ids("b"), Dead}, Remove{Node: "b"}, forget{"b"}, setNode{"a", "10.0.0.9:1", ""},
		ring.Edit, RemoveRing{"ndt", "ndt-a", s.Types["ndt"].Target}, SetRing{"common", ids("a", "c"), true},
		AddType{"maps", ids("a")}, DropType{"ndt"}, SetServers{"", ids("c")}, SetAuto{"", &cluster.Auto{Min: 1, Max: 3, Rate: 12.5, Cooldown: time.Minute}}, SetAuto{"ndt", nil},
		beginMoves{"ndt", []uint32{0}, 4}, SwitchMoves{"ndt", []uint32{0}}, FinishMoves{"ndt", []uint32{0}},
		SetPeer{"ams", []byte("x")}, DropPeer{"ams"}, SetTree{[]byte("t")},
	} {
		c := Command{Edit: e}
		if e.guarded() {
			c.Expect = m.epoch()
		}
		data, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, data)
	}
	return out
}

func (s *state) withToken() *state {
	s.Tokens = []joinToken{{Hash: string(bytes.Repeat([]byte("ab"), 32)), Roles: allRoles, Uses: 1, Expires: at + 1000}}
	return s
}

// Whatever a log holds: no panic, what is refused changes nothing, what is accepted is a
// plan, and two machines agree.
func FuzzApply(f *testing.F) {
	for _, data := range seeds(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, make := range []func() *machine{func() *machine { return founded(t) }, func() *machine { return &machine{} }} {
			a, b := make(), make()
			before, _ := a.seal()
			ra, rb := a.apply(data), b.apply(data)
			if (ra.Err == nil) != (rb.Err == nil) || ra.Epoch != rb.Epoch || gazetteer.KindOf(ra.Err) != gazetteer.KindOf(rb.Err) {
				t.Fatalf("two machines disagree: %+v and %+v", ra, rb)
			}
			if ra.Err != nil && gazetteer.KindOf(ra.Err) == gazetteer.Internal {
				t.Fatalf("a fault: %v", ra.Err)
			}
			after, err := a.seal()
			if err != nil || ra.Err != nil && !bytes.Equal(before, after) {
				t.Fatalf("refused (%v), but the state changed (%v)", ra.Err, err)
			}
			if other, _ := b.seal(); !bytes.Equal(after, other) {
				t.Fatal("two machines differ")
			}
			if err := (&machine{}).restore(after); err != nil {
				t.Fatalf("the state cannot be read again: %v", err)
			}
		}
	})
}

// Snapshots, plan files and the answers of other members are read by one function.
func FuzzUnseal(f *testing.F) {
	m := founded(f)
	data, err := m.seal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data, false)
	f.Add(data[bytes.IndexByte(data, '\n')+1:], true)
	f.Add([]byte(`{"region":"fra","types":{"x":null}}`), true)
	f.Fuzz(func(t *testing.T, data []byte, sum bool) {
		if sum { // let the fuzzer get behind the checksum
			data = appendSum(data)
		}
		a, err := unseal(data)
		if err != nil {
			return
		}
		if again, err := a.state.seal(true); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%v: written again it differs", err)
		}
	})
}

// nobody is a Handler that does nothing, so that only the decoding is tested.
type nobody struct{}

func (nobody) Join(context.Context, JoinRequest) (JoinReply, error)      { return JoinReply{}, nil }
func (nobody) Plan(context.Context, PlanRequest) (PlanReply, error)      { return PlanReply{}, nil }
func (nobody) Acknowledge(context.Context, AckRequest) (AckReply, error) { return AckReply{}, nil }
func (nobody) Apply(context.Context, ApplyRequest) (ApplyReply, error)   { return ApplyReply{}, nil }

func FuzzServe(f *testing.F) {
	f.Add([]byte(`{"v":1,"kind":"join","body":{"version":1,"node":{"name":"a","roles":["region"]},"server":"a/1","token":"gzj"}}`))
	f.Add([]byte(`{"v":1,"kind":"plan","body":{"after":3,"fresh":true}}`))
	f.Add([]byte(`{"v":1,"kind":"acknowledge","body":{"node":"a","server":"a/1","epoch":2}}`))
	f.Add([]byte(`{"v":1,"kind":"apply","body":{"passed":true,"command":"e30="}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		reply, err := Serve(t.Context(), nobody{}, data)
		if err == nil && string(reply) != "{}" {
			t.Fatalf("got %s", reply)
		}
		if k := gazetteer.KindOf(err); err != nil && k != gazetteer.Invalid && k != gazetteer.Unsupported && k != gazetteer.TooLarge {
			t.Fatalf("got %v (%v)", err, k)
		}
	})
}

func TestServeRefusesWhatItDoesNotKnow(t *testing.T) {
	for text, want := range map[string]gazetteer.Kind{
		`{"v":1,"kind":"conquer","body":{}}`:                     gazetteer.Unsupported,
		`{"v":9,"kind":"plan","body":{}}`:                        gazetteer.Unsupported,
		`{"v":1,"kind":"plan","body":{"before":1}}`:              gazetteer.Invalid,
		`{"v":1,"kind":"plan","body":{}} trailing`:               gazetteer.Invalid,
		`{"v":1,"kind":"plan"}`:                                  gazetteer.Invalid,
		string(bytes.Repeat([]byte(" "), maxRequestBytes+1)):     gazetteer.TooLarge,
		`{"v":1,"kind":"plan","body":{"after":"soon"}}`:          gazetteer.Invalid,
		`{"v":1,"kind":"plan","body":{},"also":"the keys"}`:      gazetteer.Invalid,
		`{"v":1,"kind":"apply","body":{"command":"not base64"}}`: gazetteer.Invalid,
	} {
		if _, err := Serve(t.Context(), nobody{}, []byte(text)); gazetteer.KindOf(err) != want || err == nil {
			t.Errorf("%.60s: got %v, want %v", text, err, want)
		}
	}
}
