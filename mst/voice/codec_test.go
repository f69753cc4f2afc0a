package voice_test

import (
	"bytes"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/mst"
	"gazetteer/mst/voice"
)

var (
	someEpoch  = mst.Epoch{Counter: 300, Proposer: "us-east-1"}
	someWeight = mst.WeightOf(12_345, "eu-west-1", "us-east-1")
)

// samples are one message of each kind, and of each kind within a frame.
func samples() []voice.Message {
	out := []voice.Message{
		voice.Word{},
		voice.Word{
			Voice: math.MaxUint64, Number: 7, Pace: 2560 * time.Millisecond, Epoch: someEpoch, Tree: mst.Epoch{Counter: 1, Proposer: "a"},
			Regions: 3, Messages: 1449, Entries: []voice.Entry{
				{Region: "eu-west-1", Hearing: voice.Mutual, Seen: true, Tree: true, Cost: 69_123},
				{Region: "us-east-1", Hearing: voice.OneWay, Asks: true, Cost: 1<<40 - 1},
				{Region: "us-west-1"},
			},
		},
		voice.Call{Epoch: someEpoch, Nearest: 5, Ask: true},
		voice.Offer{Epoch: someEpoch, Nearest: 1024, Cost: 1},
		voice.Accept{Epoch: someEpoch, Offered: 128, Cost: 127},
		voice.Confirm{Epoch: someEpoch, Cost: 70_000},
		voice.Decline{Epoch: someEpoch},
		voice.Decline{Epoch: someEpoch, Highest: mst.Epoch{Counter: math.MaxInt64, Proposer: "z"}},
		voice.Frame{Frame: mst.Frame{Epoch: someEpoch, Stale: mst.Epoch{Counter: 299, Proposer: "b"}}},
		voice.Frame{Frame: mst.Frame{Epoch: someEpoch, Cost: 5, Ack: 3}},
	}
	for _, m := range []mst.Message{
		mst.Connect{Level: 0}, mst.Initiate{Level: 3, Fragment: someWeight, State: mst.Find}, mst.Test{Level: 64, Fragment: someWeight},
		mst.Accept{}, mst.Reject{}, mst.Report{}, mst.Report{Best: mst.Bound{Weight: someWeight, Finite: true}}, mst.ChangeRoot{},
		mst.Done{}, mst.Count{Regions: 32, Weight: 1_107_902}, mst.Install{Regions: 1024, Weight: 1<<53 - 1},
	} {
		out = append(out, voice.Frame{Frame: mst.Frame{Epoch: someEpoch, Cost: 5, Ack: math.MaxUint64, Seq: 9, Message: m}})
	}
	return out
}

func TestMessagesSurviveTheWire(t *testing.T) {
	for _, m := range samples() {
		got, err := voice.Decode(voice.Encode(m))
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%v: got %v, %v", m, got, err)
		}
	}
}

// TestDecodeRefuses: whatever is cut off, too long, too large or unknown is an error of
// kind Invalid.
func TestDecodeRefuses(t *testing.T) {
	for _, m := range samples() {
		b := voice.Encode(m)
		for i := range b {
			mustRefuse(t, b[:i])
		}
		mustRefuse(t, append(slices.Clone(b), 0))
		mustRefuse(t, append([]byte{2}, b[1:]...))
		mustRefuse(t, append([]byte{1, byte(voice.Kinds)}, b[2:]...))
	}
	for what, m := range map[string]voice.Message{
		"a cost of 0":          voice.Offer{Epoch: someEpoch},
		"too large a cost":     voice.Offer{Epoch: someEpoch, Cost: 1 << 40},
		"no epoch":             voice.Call{},
		"no next epoch":        voice.Call{Epoch: mst.Epoch{Counter: math.MaxInt64 + 1, Proposer: "a"}},
		"no label":             voice.Call{Epoch: mst.Epoch{Counter: 1, Proposer: "No Label"}},
		"too many regions":     voice.Call{Epoch: someEpoch, Nearest: 1025},
		"too slow":             voice.Word{Pace: time.Hour},
		"entries out of order": voice.Word{Entries: []voice.Entry{{Region: "b"}, {Region: "a"}}},
		"an entry twice":       voice.Word{Entries: []voice.Entry{{Region: "a"}, {Region: "a"}}},
		"no such hearing":      voice.Word{Entries: []voice.Entry{{Region: "a", Hearing: 5}}},
		"an edge reversed":     frameOf(mst.Test{Level: 1, Fragment: mst.Weight{Cost: 1, Low: "b", High: "a"}}),
		"a loop":               frameOf(mst.Test{Level: 1, Fragment: mst.Weight{Cost: 1, Low: "a", High: "a"}}),
		"too high a level":     frameOf(mst.Connect{Level: 65}),
		"no such state":        frameOf(mst.Initiate{Level: 1, Fragment: someWeight, State: 3}),
	} {
		t.Run(what, func(t *testing.T) { mustRefuse(t, voice.Encode(m)) })
	}
	mustRefuse(t, append([]byte{1, byte(voice.KindConfirm), 0x81, 0x00, 1, 'a'}, 5)) // 1 in two bytes
}

func frameOf(m mst.Message) voice.Message {
	return voice.Frame{Frame: mst.Frame{Epoch: someEpoch, Cost: 1, Seq: 1, Message: m}}
}

func mustRefuse(t *testing.T, b []byte) {
	t.Helper()
	if m, err := voice.Decode(b); gazetteer.KindOf(err) != gazetteer.Invalid || err == nil {
		t.Errorf("%x: got %v, %v", b, m, err)
	}
}

func someSaved() voice.Saved {
	return voice.Saved{
		Epoch: someEpoch,
		Tree: mst.Tree{Epoch: mst.Epoch{Counter: 299, Proposer: "us-east-1"}, Regions: 32, Weight: 1_107_902,
			Branches: []mst.Edge{{To: "us-east-2", Cost: 15_398}, {To: "ca-central-1", Cost: 16_315}}},
		Seen:     []gazetteer.RegionID{"ca-central-1", "us-east-2"},
		Branches: []voice.Branch{{Region: "ca-central-1", Why: voice.Tree}, {Region: "us-east-2", Why: voice.Draining}},
	}
}

func TestSavedSurvivesTheDisk(t *testing.T) {
	for _, s := range []voice.Saved{{}, someSaved(), {Branches: []voice.Branch{{Region: "a", Why: voice.Contact}}}} {
		got, err := voice.DecodeSaved(s.Encode())
		if err != nil || !reflect.DeepEqual(got, s) {
			t.Errorf("got %+v, %v, want %+v", got, err, s)
		}
	}
	if s, err := voice.DecodeSaved(nil); err != nil || !reflect.DeepEqual(s, voice.Saved{}) {
		t.Errorf("of nothing: %v, %v", s, err)
	}
}

func TestDecodeSavedRefuses(t *testing.T) {
	s := someSaved()
	b := s.Encode()
	for i := 1; i < len(b); i++ {
		mustRefuseSaved(t, b[:i])
	}
	mustRefuseSaved(t, append(b, 0))
	s.Epoch = mst.Epoch{Counter: 1, Proposer: "a"} // below that of the tree
	mustRefuseSaved(t, s.Encode())
	s = someSaved()
	slices.Reverse(s.Branches)
	mustRefuseSaved(t, s.Encode())
	s = someSaved()
	s.Branches[0].Why = 9
	mustRefuseSaved(t, s.Encode())
}

func mustRefuseSaved(t *testing.T, b []byte) {
	t.Helper()
	if s, err := voice.DecodeSaved(b); gazetteer.KindOf(err) != gazetteer.Invalid || err == nil {
		t.Errorf("%x: got %v, %v", b, s, err)
	}
}

// FuzzDecode: what is read has one encoding, and costs memory in proportion to its bytes.
func FuzzDecode(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := voice.Decode(b)
		switch {
		case err != nil && gazetteer.KindOf(err) != gazetteer.Invalid:
			t.Errorf("the error is %v", err)
		case err == nil && !bytes.Equal(voice.Encode(m), b):
			t.Errorf("%x is %v, which is %x", b, m, voice.Encode(m))
		case err == nil && m.String() == "":
			t.Errorf("%x has no text", b)
		}
	})
}

// FuzzSaved: the same for what is saved.
func FuzzSaved(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := voice.DecodeSaved(b)
		switch {
		case err != nil && gazetteer.KindOf(err) != gazetteer.Invalid:
			t.Errorf("the error is %v", err)
		case err == nil && len(b) > 0 && !bytes.Equal(s.Encode(), b):
			t.Errorf("%x is %v, which is %x", b, s, s.Encode())
		}
	})
}

// FuzzStep: whatever a region says, in whatever order, a voice neither falls over nor
// grows without bounds, and what it says itself can be read.
func FuzzStep(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := voice.New(voice.Config{Self: "eu-west-1", Given: true})
		if err != nil {
			t.Fatal(err)
		}
		now := time.Duration(0)
		v.Tick(now)
		v.Regions([]gazetteer.RegionID{"a", "eu-west-1", "us-east-1"})
		v.SetCost("a", 5)
		v.SetCost("us-east-1", 70_000)
		for len(b) > 1 {
			from, size := b[0], min(int(b[1]), len(b)-2)
			now += time.Duration(from) * 10 * time.Millisecond
			v.Tick(now)
			if m, err := voice.Decode(b[2 : 2+size]); err == nil {
				v.Step([]gazetteer.RegionID{"a", "us-east-1", "stranger"}[from%3], m)
			}
			b = b[2+size:]
			mustBeReadable(t, v.Ready())
			v.Status()
		}
	})
}

func mustBeReadable(t *testing.T, r voice.Ready) {
	t.Helper()
	if len(r.Send) > 1000 {
		t.Errorf("it sends %d messages", len(r.Send))
	}
	for _, e := range r.Send {
		if _, err := voice.Decode(voice.Encode(e.Message)); err != nil {
			t.Errorf("%v: %v", e.Message, err)
		}
	}
	if r.Save != nil {
		if _, err := voice.DecodeSaved(r.Save.Encode()); err != nil {
			t.Errorf("%+v: %v", r.Save, err)
		}
	}
}

// TestTexts: each message says what it is.
func TestTexts(t *testing.T) {
	for _, m := range samples() {
		if text := m.String(); text == "" || strings.Contains(text, "%!") {
			t.Errorf("%#v is %q", m, text)
		}
	}
}
