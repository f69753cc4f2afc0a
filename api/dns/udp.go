package dns

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

const (
	// batchMax is how many packets are read, and written, with one system call.
	batchMax = 64
	// packetMax is the longest query that is read whole: much longer than any that means
	// something. A longer one is malformed.
	packetMax = 2048
	// waitingMax bounds the queries that wait for their answer to be found out; more are
	// dropped, and their clients ask again. finders do that at a time.
	waitingMax = 1024
	finders    = 32
	// oobMax has room for the destination of a packet.
	oobMax = 64
	// socketBytes is how much may wait in the socket while the server has no turn.
	socketBytes = 4 << 20
)

// udp is the socket of a server and what waits there.
type udp struct {
	*Server
	conn    *net.UDPConn
	batch   *ipv4.PacketConn // of either family: what it does with batches is the same
	sources bool             // the socket has many addresses: say from which one to send
	waiting chan *held
	memory  sync.Pool // of *held
}

// held is a packet whose reply has to be found out.
type held struct {
	packet [packetMax]byte
	oob    []byte
	n      int
	from   netip.AddrPort
}

func (s *Server) serveUDP(ctx context.Context, conn *net.UDPConn) error {
	u := &udp{Server: s, conn: conn, batch: ipv4.NewPacketConn(conn), waiting: make(chan *held, waitingMax)}
	_ = conn.SetReadBuffer(socketBytes) // the kernel may allow less
	if err := u.askSources(); err != nil {
		return err
	}
	var parts sync.WaitGroup
	for range finders {
		parts.Go(func() { u.findAll(ctx) })
	}
	err := u.readAll(ctx)
	close(u.waiting)
	parts.Wait()
	return err
}

// askSources makes a socket that has all addresses of the machine tell to which one a packet
// came: the response has to leave from there.
func (u *udp) askSources() error {
	a, _ := netip.ParseAddrPort(u.conn.LocalAddr().String())
	if u.sources = a.Addr().IsUnspecified(); !u.sources {
		return nil
	}
	six := ipv6.NewPacketConn(u.conn).SetControlMessage(ipv6.FlagDst, true)
	four := u.batch.SetControlMessage(ipv4.FlagDst, true)
	if six != nil && four != nil {
		return errors.Join(six, four)
	}
	return nil
}

// readAll answers what can be answered at once, and leaves the rest to the finders.
func (u *udp) readAll(ctx context.Context) error {
	in, out := newBatch(packetMax), newBatch(maxUDP)
	var w work
	for {
		n, err := u.batch.ReadBatch(in, 0)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		u.now(&w)
		u.write(out[:u.answerBatch(ctx, &w, in[:n], out)])
	}
}

func newBatch(size int) []ipv4.Message {
	b := make([]ipv4.Message, batchMax)
	for i := range b {
		b[i].Buffers = [][]byte{make([]byte, size)}
		b[i].OOB = make([]byte, oobMax)
	}
	return b
}

// answerBatch fills out with responses and returns how many there are.
func (u *udp) answerBatch(ctx context.Context, w *work, in, out []ipv4.Message) (n int) {
	for i := range in {
		m := &in[i]
		to := m.Addr.(*net.UDPAddr)
		packet := m.Buffers[0][:m.N]
		o := &out[n]
		response, v := u.respond(ctx, o.Buffers[0][:0], w, query{packet: packet, from: addrOf(to), by: overUDP})
		switch v {
		case answered:
			o.Buffers[0], o.Addr, o.OOB = response, to, u.source(m.OOB[:m.NN])
			n++
		case later:
			u.hold(packet, m.OOB[:m.NN], to.AddrPort())
		}
	}
	return n
}

func addrOf(a *net.UDPAddr) netip.Addr {
	out, _ := netip.AddrFromSlice(a.IP)
	return out.Unmap()
}

// write sends responses. One that cannot be sent is lost like any packet.
func (u *udp) write(out []ipv4.Message) {
	for len(out) > 0 {
		n, err := u.batch.WriteBatch(out, 0)
		if err != nil || n < 1 {
			n = 1
		}
		out = out[n:]
	}
}

// source turns where a packet came to into where its response leaves from.
func (u *udp) source(oob []byte) []byte {
	if !u.sources {
		return nil
	}
	var six ipv6.ControlMessage
	var four ipv4.ControlMessage
	to := net.IP(nil)
	if six.Parse(oob) == nil {
		to = six.Dst
	}
	if to == nil && four.Parse(oob) == nil {
		to = four.Dst
	}
	switch {
	case to == nil:
		return nil
	case to.To4() != nil:
		return (&ipv4.ControlMessage{Src: to}).Marshal()
	}
	return (&ipv6.ControlMessage{Src: to}).Marshal()
}

// hold keeps a packet for the finders, if there is room.
func (u *udp) hold(packet, oob []byte, from netip.AddrPort) {
	h, _ := u.memory.Get().(*held)
	if h == nil {
		h = new(held)
	}
	h.n, h.from = copy(h.packet[:], packet), from
	h.oob = append(h.oob[:0], oob...)
	select {
	case u.waiting <- h:
	default:
		u.count.shed.Add(1)
		u.memory.Put(h)
	}
}

// findAll finds out replies until there are no more packets. One that another has found out
// meanwhile is in the cache.
func (u *udp) findAll(ctx context.Context) {
	var w work
	buf := make([]byte, 0, maxUDP)
	for h := range u.waiting {
		u.now(&w)
		q := query{packet: h.packet[:h.n], from: h.from.Addr().Unmap(), by: overUDP, wait: true}
		if response, v := u.respond(ctx, buf, &w, q); v == answered {
			_, _, _ = u.conn.WriteMsgUDPAddrPort(response, u.source(h.oob), h.from) // lost like any packet
		}
		u.memory.Put(h)
	}
}
