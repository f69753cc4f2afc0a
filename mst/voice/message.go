package voice

import (
	"fmt"
	"strings"
	"time"

	"gazetteer"
	"gazetteer/mst"
)

// Message is what one region's voice says to another's. Messages may be lost, doubled and
// overtaken; [Encode] and [Decode] are their form on the wire.
type Message interface {
	Kind() Kind
	String() string
}

// Word is what a region tells every other one at each beat, and at once when it changes:
// how it hears the others, what reaching them costs, and which branches it has.
type Word struct {
	Voice  uint64 // a number drawn by this voice: another one has taken over when it changes
	Number uint64 // counts the words of a voice; an older one that comes late is dropped
	// Pace is how often its sender speaks: who hears nothing for several times as long
	// takes it as silent.
	Pace  time.Duration
	Epoch mst.Epoch // the highest that the sender knows
	Tree  mst.Epoch // of the tree that it has installed; zero: none
	// Regions is how many regions that tree reaches.
	Regions int
	// Messages is how many messages of the paper's seven kinds the sender sent for it.
	Messages uint64
	Entries  []Entry // sorted by region; the sender is not among them
}

// Entry is what a word says of one other region.
type Entry struct {
	Region  gazetteer.RegionID
	Hearing Hearing
	// Seen says that the edge took part in the epoch of the installed tree.
	Seen bool
	Tree bool // the edge is a branch of the installed tree
	// Asks says that the sender wants a link beyond its tree: see [Provisional],
	// [Shortcut], [Contact].
	Asks bool
	Cost uint64 // smoothed, at this end, in microseconds; 0: not known
}

// Hearing is how a region hears another one.
type Hearing uint8

const (
	Unknown Hearing = iota // no word yet, and it has not waited for long
	Silent                 // no word for several beats
	OneWay                 // words come, and say that none come there
	Heard                  // words come, and do not say yet
	Mutual                 // words come, and say that they come there, too
)

func (h Hearing) String() string {
	return [...]string{"unknown", "silent", "one way", "heard", "mutual"}[min(h, Mutual)]
}

// words reports whether words come.
func (h Hearing) words() bool { return h >= OneWay }

// denies reports whether it says that the edge does not work.
func (h Hearing) denies() bool { return h == Silent || h == OneWay }

// Call opens an epoch: its receiver enters it and offers its costs to the others.
type Call struct {
	Epoch   mst.Epoch
	Nearest int // see [Config]
	// Ask says that the sender, whose name is the higher one, waits for an Offer.
	Ask bool
}

// Offer goes from the lower to the higher name: what the edge costs at this end. Like a
// Call it opens the epoch.
type Offer struct {
	Epoch   mst.Epoch
	Nearest int
	Cost    uint64
}

// Accept answers an Offer. The cost of the edge is the [Mean] of the two.
type Accept struct {
	Epoch   mst.Epoch
	Offered uint64 // as it arrived
	Cost    uint64 // at this end
}

// Confirm answers an Accept: the edge takes part.
type Confirm struct {
	Epoch mst.Epoch
	Cost  uint64 // the agreed one
}

// Decline says that there is no edge between the two in this epoch, or that the epoch is
// over for the sender.
type Decline struct {
	Epoch   mst.Epoch
	Highest mst.Epoch // that the sender knows
}

// Frame carries a frame of package mst.
type Frame struct{ mst.Frame }

// Kind tells messages apart where their content does not matter.
type Kind uint8

// The kinds.
const (
	KindWord Kind = iota
	KindCall
	KindOffer
	KindAccept
	KindConfirm
	KindDecline
	KindFrame
	Kinds // how many there are
)

var kindNames = [Kinds]string{"word", "call", "offer", "accept", "confirm", "decline", "frame"}

func (k Kind) String() string {
	if k < Kinds {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Kind returns KindWord.
func (Word) Kind() Kind { return KindWord }

// Kind returns KindCall.
func (Call) Kind() Kind { return KindCall }

// Kind returns KindOffer.
func (Offer) Kind() Kind { return KindOffer }

// Kind returns KindAccept.
func (Accept) Kind() Kind { return KindAccept }

// Kind returns KindConfirm.
func (Confirm) Kind() Kind { return KindConfirm }

// Kind returns KindDecline.
func (Decline) Kind() Kind { return KindDecline }

// Kind returns KindFrame.
func (Frame) Kind() Kind { return KindFrame }

func (w Word) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "word %d, epoch %v, tree %v of %d", w.Number, w.Epoch, w.Tree, w.Regions)
	for _, e := range w.Entries {
		fmt.Fprintf(&b, "; %s %v %d", e.Region, e.Hearing, e.Cost)
		if e.Tree {
			b.WriteString(" branch")
		}
		if e.Asks {
			b.WriteString(" asks")
		}
	}
	return b.String()
}

func (m Call) String() string    { return fmt.Sprintf("call %v", m.Epoch) }
func (m Offer) String() string   { return fmt.Sprintf("offer %v %d", m.Epoch, m.Cost) }
func (m Accept) String() string  { return fmt.Sprintf("accept %v %d+%d", m.Epoch, m.Offered, m.Cost) }
func (m Confirm) String() string { return fmt.Sprintf("confirm %v %d", m.Epoch, m.Cost) }
func (m Decline) String() string { return fmt.Sprintf("decline %v, at %v", m.Epoch, m.Highest) }

func (m Frame) String() string {
	switch {
	case m.Stale != mst.Epoch{}:
		return fmt.Sprintf("stale %v, at %v", m.Stale, m.Epoch)
	case m.Message == nil:
		return fmt.Sprintf("ack %d", m.Ack)
	}
	return fmt.Sprintf("%d %v", m.Seq, m.Message)
}

// Mean returns the cost of an edge between two regions that measure a and b.
func Mean(a, b uint64) uint64 { return (a + b) / 2 }
