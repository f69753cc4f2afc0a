package voice

import (
	"encoding/binary"
	"math"
	"time"

	"gazetteer"
	"gazetteer/mst"
)

// Decode returns the message that b encodes. Whatever [Encode] does not write is an error
// of kind Invalid: an unknown format or kind, a number that is too large or not in its
// shortest form, a name that is none, bytes left over. It allocates at most about ten
// times the length of b.
func Decode(b []byte) (Message, error) {
	d := decoder{b: b, op: "voice.Decode"}
	d.format(formatMessage)
	m := d.message(Kind(d.byte()))
	if err := d.end(); err != nil {
		return nil, err
	}
	return m, nil
}

// decoder takes values off the front of b. After the first failure it yields zeros, so
// that its callers check once.
type decoder struct {
	b   []byte
	op  string // names the decoder in its errors
	err error
}

func (d *decoder) message(k Kind) Message {
	switch k {
	case KindWord:
		return d.word()
	case KindCall:
		return Call{d.named(), d.regions(), d.bool()}
	case KindOffer:
		return Offer{d.named(), d.regions(), d.cost()}
	case KindAccept:
		return Accept{d.named(), d.cost(), d.cost()}
	case KindConfirm:
		return Confirm{d.named(), d.cost()}
	case KindDecline:
		return Decline{d.named(), d.epoch()}
	case KindFrame:
		return Frame{d.frame()}
	}
	d.fail("a message of %v", k)
	return nil
}

func (d *decoder) word() Word {
	w := Word{Voice: d.uint64(), Number: d.uvarint(math.MaxUint64)}
	w.Pace = time.Duration(d.uvarint(uint64(paceMax/time.Millisecond))) * time.Millisecond
	w.Epoch, w.Tree = d.epoch(), d.epoch()
	w.Regions, w.Messages = d.regions(), d.uvarint(math.MaxUint64)
	n := d.count(4) // a name of one byte, its length, flags, a cost
	for range n {
		e := d.entry()
		if last := len(w.Entries) - 1; last >= 0 && e.Region <= w.Entries[last].Region {
			d.fail("entry %q is not above the one before", e.Region)
		}
		w.Entries = append(w.Entries, e)
	}
	return w
}

func (d *decoder) entry() Entry {
	e := Entry{Region: d.name()}
	flags := d.byte()
	e.Hearing = Hearing(flags & maskHearing)
	if flags >= flagsEnd || e.Hearing > Mutual {
		d.fail("flags %#x of an entry", flags)
	}
	e.Seen, e.Tree, e.Asks = flags&flagSeen != 0, flags&flagTree != 0, flags&flagAsks != 0
	e.Cost = d.uvarint(maxCost)
	return e
}

func (d *decoder) frame() mst.Frame {
	f := mst.Frame{Epoch: d.named(), Stale: d.epoch()}
	if f.Stale != (mst.Epoch{}) {
		return f
	}
	f.Cost, f.Ack, f.Seq = d.cost(), d.uvarint(math.MaxUint64), d.uvarint(math.MaxUint64)
	if f.Seq > 0 {
		f.Message = d.inner(mst.Kind(d.byte()))
	}
	return f
}

func (d *decoder) inner(k mst.Kind) mst.Message {
	switch k {
	case mst.KindConnect:
		return mst.Connect{Level: d.level()}
	case mst.KindInitiate:
		return mst.Initiate{Level: d.level(), Fragment: d.weight(), State: d.state()}
	case mst.KindTest:
		return mst.Test{Level: d.level(), Fragment: d.weight()}
	case mst.KindAccept:
		return mst.Accept{}
	case mst.KindReject:
		return mst.Reject{}
	case mst.KindReport:
		return mst.Report{Best: d.bound()}
	case mst.KindChangeRoot:
		return mst.ChangeRoot{}
	case mst.KindDone:
		return mst.Done{}
	case mst.KindCount:
		return mst.Count{Regions: d.regions(), Weight: d.uvarint(maxWeight)}
	case mst.KindInstall:
		return mst.Install{Regions: d.regions(), Weight: d.uvarint(maxWeight)}
	}
	d.fail("a frame with a message of %v", k)
	return nil
}

func (d *decoder) bound() (b mst.Bound) {
	if d.bool() {
		b = mst.Bound{Weight: d.weight(), Finite: true}
	}
	return b
}

func (d *decoder) weight() mst.Weight {
	w := mst.Weight{Cost: d.cost(), Low: d.name(), High: d.name()}
	if w.Low >= w.High && d.err == nil {
		d.fail("an edge from %q to %q", w.Low, w.High)
	}
	return w
}

func (d *decoder) level() int { return int(d.uvarint(maxLevel)) }

func (d *decoder) state() mst.State {
	s := d.byte()
	if s > byte(mst.Found) {
		d.fail("state %d", s)
	}
	return mst.State(s)
}

// named takes an epoch that is not zero.
func (d *decoder) named() mst.Epoch {
	e := d.epoch()
	if e.Counter == 0 {
		d.fail("a message of no epoch")
	}
	return e
}

// epoch leaves room above: there is always a next one.
func (d *decoder) epoch() (e mst.Epoch) {
	if e.Counter = d.uvarint(math.MaxInt64); e.Counter > 0 {
		e.Proposer = d.name()
	}
	return e
}

func (d *decoder) name() gazetteer.RegionID {
	r := gazetteer.RegionID(d.bytes(uint64(d.byte())))
	if d.err == nil {
		if err := r.Validate(); err != nil {
			d.fail("%v", err)
		}
	}
	return r
}

func (d *decoder) cost() uint64 {
	c := d.uvarint(maxCost)
	if c == 0 {
		d.fail("a cost of 0")
	}
	return c
}

func (d *decoder) regions() int { return int(d.uvarint(maxRegions)) }

// count takes a number of things that take at least size bytes each.
func (d *decoder) count(size int) int {
	n := d.regions()
	if n > len(d.b)/size {
		d.fail("more announced than there are bytes for")
		return 0
	}
	return n
}

func (d *decoder) bool() bool {
	b := d.byte()
	if b > 1 {
		d.fail("%d where 0 or 1 is due", b)
	}
	return b == 1
}

func (d *decoder) format(want byte) {
	if got := d.byte(); got != want {
		d.fail("format %d, this version reads %d", got, want)
	}
}

func (d *decoder) byte() byte {
	if b := d.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uint64() uint64 {
	if b := d.bytes(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail("cut off")
		return nil
	}
	out := d.b[:n:n]
	d.b = d.b[n:]
	return out
}

// uvarint takes a number in its shortest form, so that each message has one encoding.
func (d *decoder) uvarint(most uint64) uint64 {
	n, size := binary.Uvarint(d.b)
	switch {
	case size <= 0:
		d.fail("cut off, or a number above 64 bits")
		return 0
	case n > most:
		d.fail("%d, at most %d is allowed", n, most)
		return 0
	case size > 1 && d.b[size-1] == 0:
		d.fail("a number is longer than it need be")
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = invalid(d.op, format, args...)
	}
	d.b = nil
}

// end returns what was wrong; bytes left over are.
func (d *decoder) end() error {
	if len(d.b) > 0 {
		d.fail("%d bytes are left over", len(d.b))
	}
	return d.err
}
