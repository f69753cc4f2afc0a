package peer

import (
	"fmt"
	"net"
	"time"

	"gazetteer"
	"gazetteer/pb"
)

// peerInfo is what a hello said of the other end, and what both agreed on.
type peerInfo struct {
	node        gazetteer.NodeID
	region      gazetteer.RegionID
	instance    uint64
	features    uint64 // that both ends have
	maxInFlight int    // what both ends bear
	settled     bool   // both know where they belong: it may ask the tiers
	// Of a link: how often the peer has dialled us, whether its plan wants the link, and
	// what its monotonic clock showed when it said hello, which was read at readAt.
	attempt uint64
	wants   bool
	beat    uint64
	readAt  time.Duration
}

// stream is a connection whose hellos are being exchanged or have been.
type stream struct {
	net.Conn
	frames *frameReader
	peer   peerInfo
}

// hello returns what this node says of itself.
func (t *Transport) hello() *pb.PeerHello {
	at := t.home()
	return &pb.PeerHello{
		FormatMin: formatMin, FormatMax: formatMax,
		Node: string(t.cfg.Node), Region: string(at.region), Partitions: at.partitions,
		Instance: t.instance, MaxInFlight: uint32(t.cfg.MaxInFlight), Features: t.features(),
	}
}

func (t *Transport) features() uint64 {
	if t.links.started() {
		return featureLinks
	}
	return 0
}

// greet is the dialer's part of the handshake: it says hello and checks the answer.
func (t *Transport) greet(nc net.Conn, kind connKind, to target, link *pb.LinkHello, limit time.Duration) (*stream, error) {
	nc.SetDeadline(time.Now().Add(limit))
	h := t.hello()
	h.To, h.Link = string(to.node), link
	if _, err := nc.Write(appendHello([]byte{preambleMagic | byte(kind), preambleVersion}, h)); err != nil {
		return nil, err
	}
	s := &stream{Conn: nc, frames: newFrameReader(nc, maxHelloBytes)}
	answer, err := readHello(s.frames)
	if err != nil {
		return nil, err
	}
	if answer.Refusal != nil {
		return nil, refusedBy(to, answer.Refusal)
	}
	if err := t.check(answer, kind, to.node == ""); err != nil {
		return nil, err
	}
	if to.node != "" && answer.Node != string(to.node) {
		return nil, mismatch("the address of node %s is answered by node %s; correct the plan or the address", to.node, answer.Node)
	}
	s.peer = t.agree(answer)
	return s, nc.SetDeadline(time.Time{})
}

// receive reads and checks the hello of a dialer, and returns its kind. If the dialer is
// to be told why it is refused, the error comes with a stream.
func (t *Transport) receive(nc net.Conn) (*stream, connKind, error) {
	nc.SetDeadline(time.Now().Add(t.cfg.DialTimeout))
	s := &stream{Conn: nc, frames: newFrameReader(nc, maxHelloBytes)}
	first, err := s.frames.take(preambleBytes)
	if err != nil {
		return nil, 0, err
	}
	kind, version := connKind(first[0]&preambleKind), first[1]
	if first[0]&^preambleKind != preambleMagic {
		return nil, 0, broken("peer.Serve", fmt.Sprintf("the first byte is %#02x: no server of ours", first[0]), nil)
	}
	if version != preambleVersion {
		return s, 0, unsupported("version %d of the first bytes is unknown here, %d is known", version, preambleVersion)
	}
	h, err := readHello(s.frames)
	if err != nil {
		return nil, 0, err
	}
	s.peer = t.agree(h)
	if kind < kindRequests || kind > kindWatch {
		return s, kind, unsupported("connections of kind %d are unknown here; requests are %d, links %d, raft %d, streams of changes %d", kind, kindRequests, kindLink, kindRaft, kindWatch)
	}
	byAddr := h.To == "" && kind != kindLink
	if err := t.check(h, kind, byAddr); err != nil {
		return s, kind, err
	}
	if !byAddr && h.To != string(t.cfg.Node) {
		return s, kind, mismatch("this is node %s, you asked for node %s; correct the plan or the address", t.cfg.Node, h.To)
	}
	return s, kind, nil
}

// accept answers a dialer's hello: from here on it may send.
func (t *Transport) accept(s *stream, link *pb.LinkHello) error {
	h := t.hello()
	h.Link = link
	if _, err := s.Write(appendHello(nil, h)); err != nil {
		return err
	}
	return s.SetDeadline(time.Time{})
}

// refuse answers a dialer's hello with the reason why not.
func (t *Transport) refuse(s *stream, reason error) {
	h := t.hello()
	h.Refusal = toWire(reason)
	s.Write(appendHello(nil, h)) // the connection is closed next, whatever becomes of this
}

// check refuses a peer that cannot be worked with, whoever dialled. On requests that were
// opened by address services may be asked, and that makes sense also while an end does
// not know where it belongs: it asks to be let in.
func (t *Transport) check(h *pb.PeerHello, kind connKind, byAddr bool) error {
	at := t.home()
	lost := at.partitions == 0 || h.Partitions == 0
	switch {
	case h.FormatMin > formatMax || h.FormatMax < formatMin:
		return unsupported("node %s speaks formats %d to %d, node %s speaks %d to %d; update the older one",
			h.Node, h.FormatMin, h.FormatMax, t.cfg.Node, formatMin, formatMax)
	case lost && !(byAddr && kind == kindRequests):
		return unavailable("peer.Hello", named(at.lost(h, t.cfg.Node)), "it does not know yet where it belongs; ask again when it has joined", nil)
	case !lost && h.Partitions != at.partitions:
		return mismatch("node %s has %d partitions, node %s has %d: they are of different planets",
			h.Node, h.Partitions, t.cfg.Node, at.partitions)
	case kind == kindRaft && h.Region != string(at.region):
		return mismatch("raft is spoken within one region: node %s is of region %s, node %s of region %s",
			h.Node, h.Region, t.cfg.Node, at.region)
	case h.Node == "" || len(h.Node) > gazetteer.MaxIDBytes:
		return mismatch("the peer's name has %d bytes, want 1 to %d", len(h.Node), gazetteer.MaxIDBytes)
	case h.Node == string(t.cfg.Node):
		return mismatch("both ends are called node %s; every node needs its own name", h.Node)
	}
	return nil
}

func (t *Transport) agree(h *pb.PeerHello) peerInfo {
	p := peerInfo{
		node: gazetteer.NodeID(h.Node), region: gazetteer.RegionID(h.Region), instance: h.Instance,
		features: h.Features & t.features(), maxInFlight: t.cfg.MaxInFlight,
		settled: h.Partitions != 0 && h.Partitions == t.home().partitions,
	}
	if n := int(h.MaxInFlight); n > 0 {
		p.maxInFlight = min(n, p.maxInFlight)
	}
	if h.Link != nil {
		p.attempt, p.wants, p.beat, p.readAt = h.Link.Attempt, h.Link.Wants, h.Link.BeatNanos, t.mono()
	}
	return p
}

func appendHello(dst []byte, h *pb.PeerHello) []byte {
	dst, start := beginFrame(dst)
	dst = pb.Append(dst, h)
	endFrame(dst, start, header{})
	return dst
}

func readHello(f *frameReader) (*pb.PeerHello, error) {
	_, payload, err := f.next()
	if err != nil {
		return nil, err
	}
	h := new(pb.PeerHello)
	if err := h.UnmarshalVT(payload); err != nil {
		return nil, broken("peer.Hello", "the hello is malformed", err)
	}
	return h, nil
}

func refusedBy(who target, e *pb.PeerError) error {
	return &gazetteer.Error{Op: "peer.Dial", Kind: kindFromWire(e.Kind), Detail: who.String() + " refused the connection: " + e.Detail}
}

func mismatch(format string, args ...any) error {
	return &gazetteer.Error{Op: "peer.Hello", Kind: gazetteer.Conflict, Detail: fmt.Sprintf(format, args...)}
}

func unsupported(format string, args ...any) error {
	return &gazetteer.Error{Op: "peer.Hello", Kind: gazetteer.Unsupported, Detail: fmt.Sprintf(format, args...)}
}
