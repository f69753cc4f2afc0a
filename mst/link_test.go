package mst

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gazetteer"
)

var testEpoch = Epoch{1, "a"}

const resend = 100 * time.Millisecond

func newTestLink() *Link { return NewLink(testEpoch, 7, resend) }

// post sends messages that are told apart by their level.
func post(t *testing.T, l *Link, levels ...int) []Frame {
	t.Helper()
	for _, n := range levels {
		if err := l.Send(Connect{n}); err != nil {
			t.Fatal(err)
		}
	}
	return l.Ready()
}

// arrive gives frames to a link and returns the levels of what it hands over.
func arrive(t *testing.T, l *Link, frames ...Frame) (levels []int) {
	t.Helper()
	for _, f := range frames {
		messages, err := l.Receive(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			levels = append(levels, m.(Connect).Level)
		}
	}
	return levels
}

func wantLevels(t *testing.T, got []int, want ...int) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("handed over %v, want %v", got, want)
	}
}

func wantFrames(t *testing.T, frames []Frame, seqs ...uint64) {
	t.Helper()
	var got []uint64
	for _, f := range frames {
		got = append(got, f.Seq)
	}
	if !slices.Equal(got, seqs) {
		t.Fatalf("frames %v, want %v", got, seqs)
	}
}

func TestOvertakenMessagesWaitForTheGap(t *testing.T) {
	from, to := newTestLink(), newTestLink()
	f := post(t, from, 10, 20, 30)
	wantLevels(t, arrive(t, to, f[2]))
	wantLevels(t, arrive(t, to, f[1]))
	wantLevels(t, arrive(t, to, f[0]), 10, 20, 30)
}

func TestDoubledMessagesAreDroppedAndAcknowledgedAgain(t *testing.T) {
	from, to := newTestLink(), newTestLink()
	f := post(t, from, 10)
	wantLevels(t, arrive(t, to, f[0]), 10)
	first := to.Ready()
	wantLevels(t, arrive(t, to, f[0]))
	if again := to.Ready(); len(again) != 1 || again[0] != first[0] || again[0].Ack != 1 {
		t.Errorf("acknowledged with %v, then with %v", first, again)
	}
	if c := to.Counters(); c.Duplicates != 1 || c.Acks != 2 {
		t.Errorf("%+v", c)
	}
}

func TestAcknowledgementsAreCumulative(t *testing.T) {
	from, to := newTestLink(), newTestLink()
	arrive(t, to, post(t, from, 10, 20, 30)...)
	wantFrames(t, to.Ready(), 0)
	arrive(t, from, Frame{Epoch: testEpoch, Cost: 7, Ack: 2})
	if at, ok := from.Due(); !ok || at != resend {
		t.Errorf("the third message is due at %v, %v", at, ok)
	}
	from.Tick(resend)
	wantFrames(t, from.Ready(), 3)
}

// TestLateAcknowledgement: what was acknowledged stays so.
func TestLateAcknowledgement(t *testing.T) {
	from := newTestLink()
	post(t, from, 10, 20)
	arrive(t, from, Frame{Epoch: testEpoch, Cost: 7, Ack: 2}, Frame{Epoch: testEpoch, Cost: 7, Ack: 1})
	if _, ok := from.Due(); ok {
		t.Error("it waits for an acknowledgement that came")
	}
}

func TestAnswersCarryTheAcknowledgement(t *testing.T) {
	from, to := newTestLink(), newTestLink()
	arrive(t, to, post(t, from, 10)...)
	answer := post(t, to, 11)
	wantFrames(t, answer, 1)
	arrive(t, from, answer...)
	if _, ok := from.Due(); ok {
		t.Error("the answer did not acknowledge")
	}
}

func TestResendsBackOff(t *testing.T) {
	l := newTestLink()
	post(t, l, 10, 20)
	var at []time.Duration
	for now := time.Duration(0); now < 60*resend; now += resend / 2 {
		l.Tick(now)
		if frames := l.Ready(); frames != nil {
			wantFrames(t, frames, 1, 2)
			at = append(at, now/resend)
		}
	}
	if !slices.Equal(at, []time.Duration{1, 3, 7, 15, 31, 47}) {
		t.Errorf("sent again at %v times resendAfter", at)
	}
	if c := l.Counters(); c.Sent != 2 || c.Resent != 12 {
		t.Errorf("%+v", c)
	}
}

// TestNewMessagesDoNotDelayAResend: the timer is that of the oldest.
func TestNewMessagesDoNotDelayAResend(t *testing.T) {
	l := newTestLink()
	post(t, l, 10)
	l.Tick(resend / 2)
	wantFrames(t, post(t, l, 20), 2)
	if at, ok := l.Due(); !ok || at != resend {
		t.Errorf("due at %v, %v; want %v", at, ok, resend)
	}
}

func TestProgressEndsTheBackOff(t *testing.T) {
	l := newTestLink()
	post(t, l, 10, 20)
	l.Tick(resend)
	l.Ready()
	arrive(t, l, Frame{Epoch: testEpoch, Cost: 7, Ack: 1})
	if at, _ := l.Due(); at != 2*resend {
		t.Errorf("due at %v, want %v", at, 2*resend)
	}
}

func TestALinkIsBounded(t *testing.T) {
	from, to := newTestLink(), newTestLink()
	for n := range linkWindow {
		post(t, from, n)
	}
	if err := from.Send(Connect{}); gazetteer.KindOf(err) != gazetteer.Unavailable {
		t.Errorf("one more than the window: %v", err)
	}
	far := Frame{Epoch: testEpoch, Cost: 7, Seq: linkWindow + 1, Message: Connect{}}
	wantLevels(t, arrive(t, to, far))
	if len(to.early) != 0 {
		t.Error("it keeps what is beyond the window")
	}
}

// TestForgedFrames: a frame that the other end cannot have sent changes nothing.
func TestForgedFrames(t *testing.T) {
	for _, c := range []struct {
		name  string
		frame Frame
		kind  gazetteer.Kind
	}{
		{"another epoch", Frame{Epoch: Epoch{2, "a"}, Cost: 7, Ack: 1}, gazetteer.Invalid},
		{"another cost", Frame{Epoch: testEpoch, Cost: 8, Ack: 1}, gazetteer.Conflict},
		{"acknowledges what was never sent", Frame{Epoch: testEpoch, Cost: 7, Ack: 2}, gazetteer.Invalid},
		{"a number without a message", Frame{Epoch: testEpoch, Cost: 7, Ack: 1, Seq: 1}, gazetteer.Invalid},
		{"a message without a number", Frame{Epoch: testEpoch, Cost: 7, Ack: 1, Message: Accept{}}, gazetteer.Invalid},
	} {
		l := newTestLink()
		post(t, l, 10)
		messages, err := l.Receive(c.frame)
		if len(messages) > 0 || gazetteer.KindOf(err) != c.kind {
			t.Errorf("%s: %v, %v; want kind %v", c.name, messages, err, c.kind)
		}
		if _, ok := l.Due(); !ok {
			t.Errorf("%s: it acknowledged the message under way", c.name)
		}
		wantLevels(t, arrive(t, l, Frame{Epoch: testEpoch, Cost: 7, Seq: 1, Message: Connect{5}}), 5)
	}
}

// TestAnyNetwork: whatever is lost, doubled and overtaken, all messages of both
// directions arrive once and in order.
func TestAnyNetwork(t *testing.T) {
	for seed := range uint64(200) {
		dice := rand.New(rand.NewPCG(seed, 0))
		loss, double := dice.Float64()*0.7, dice.Float64()*0.5
		ends := [2]*Link{newTestLink(), newTestLink()}
		var sent [2]int
		var got [2][]int
		var net [2][]Frame
		for step := 0; len(got[0]) < 40 || len(got[1]) < 40; step++ {
			if step > 20_000 {
				t.Fatalf("seed %d: only %d and %d messages arrived", seed, len(got[0]), len(got[1]))
			}
			from := dice.IntN(2)
			l, to := ends[from], 1-from
			l.Tick(time.Duration(step) * resend / 10)
			if sent[from] < 40 && dice.IntN(3) == 0 && l.Send(Connect{sent[from]}) == nil {
				sent[from]++
			}
			for _, f := range l.Ready() {
				if dice.Float64() >= loss {
					net[to] = append(net[to], f)
				}
			}
			if n := len(net[from]); n > 0 {
				i := dice.IntN(n)
				got[from] = append(got[from], arrive(t, l, net[from][i])...)
				if dice.Float64() >= double {
					net[from] = slices.Delete(net[from], i, i+1)
				}
			}
		}
		for _, levels := range got {
			for i, level := range levels {
				if level != i {
					t.Fatalf("seed %d: handed over %v", seed, levels)
				}
			}
		}
	}
}
