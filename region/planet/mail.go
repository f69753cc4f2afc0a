package planet

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"sync"
	"time"

	"gazetteer"
)

// VoiceService is the name under which the peer port offers [Planet.ServeVoice].
const VoiceService = "voice"

const (
	// mailTimeout bounds one delivery. What is lost is sent again by the voice, or said
	// anew with its next heartbeat.
	mailTimeout = 3 * time.Second
	// inFlightMax bounds the deliveries to one region that are under way; more are
	// dropped, as a network would.
	inFlightMax = 64
	// inboxMax bounds the letters that wait for the voice.
	inboxMax = 1024
)

// letter is what one region's voice says to another's, as bytes.
type letter struct {
	from gazetteer.RegionID
	body []byte
}

// mail carries letters between the leaders of regions.
type mail struct {
	mu    sync.Mutex // guards all below
	boxes map[gazetteer.RegionID]*box
	inbox chan letter // of the voice of this process; nil while it does not lead
}

// box is where the letters to one region go.
type box struct {
	leader gazetteer.NodeID // as far as it is known
	turn   int              // which entry is asked while it is not
	flying int
}

func (m *mail) init() { m.boxes = map[gazetteer.RegionID]*box{} }

// open lets letters in for as long as this process leads; nil ends that.
func (m *mail) open(inbox chan letter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inbox = inbox
}

// send delivers letters to one region, together and without waiting.
func (p *Planet) send(to gazetteer.RegionID, letters [][]byte) {
	b, ok := p.mail.begin(to)
	if !ok {
		return
	}
	var request []byte
	for _, l := range letters {
		request = binary.AppendUvarint(request, uint64(len(l)))
		request = append(request, l...)
	}
	p.threads.Go(func() {
		defer p.mail.end(b)
		ctx, cancel := context.WithTimeout(p.ctx, mailTimeout)
		defer cancel()
		p.deliver(ctx, to, b, request)
	})
}

func (m *mail) begin(to gazetteer.RegionID) (*box, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.boxes[to]
	if b == nil {
		b = &box{}
		m.boxes[to] = b
	}
	if b.flying >= inFlightMax {
		return nil, false
	}
	b.flying++
	return b, true
}

func (m *mail) end(b *box) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b.flying--
}

// deliver gives a request to the leader of a region, or to a regional server there, which
// then says who leads.
func (p *Planet) deliver(ctx context.Context, to gazetteer.RegionID, b *box, request []byte) {
	for range 2 {
		n, err := p.mail.whom(p, to, b)
		if err != nil {
			return
		}
		answer, err := p.Network.CallNode(ctx, n, VoiceService, request)
		var reply voiceReply
		if err == nil {
			err = json.Unmarshal(answer, &reply)
		}
		if err != nil {
			p.mail.failed(b, n)
			return
		}
		if reply.Taken {
			p.mail.leads(b, n)
			return
		}
		p.mail.leads(b, reply.Leader)
	}
}

func (m *mail) whom(p *Planet, to gazetteer.RegionID, b *box) (gazetteer.NodeID, error) {
	m.mu.Lock()
	leader, turn := b.leader, b.turn
	m.mu.Unlock()
	if leader != "" {
		return leader, nil
	}
	e, err := p.entry(to, turn)
	return e.Node, err
}

func (m *mail) failed(b *box, n gazetteer.NodeID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b.leader == n {
		b.leader = ""
	}
	b.turn++
}

func (m *mail) leads(b *box, n gazetteer.NodeID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b.leader = n
}

// voiceReply says whether letters were taken, and if not, who would take them.
type voiceReply struct {
	Taken  bool             `json:"taken,omitempty"`
	Leader gazetteer.NodeID `json:"leader,omitempty"`
}

// ServeVoice takes letters from the voice of another region.
func (p *Planet) ServeVoice(from gazetteer.RegionID, request []byte) ([]byte, error) {
	letters, err := split(request)
	if err != nil {
		return nil, err
	}
	p.mail.mu.Lock()
	inbox := p.mail.inbox
	p.mail.mu.Unlock()
	if inbox == nil {
		leader, _ := p.Group.Leader()
		return json.Marshal(voiceReply{Leader: leader.Node})
	}
	for _, body := range letters {
		select {
		case inbox <- letter{from, body}:
		default: // it will be said again
		}
	}
	return json.Marshal(voiceReply{Taken: true})
}

func split(request []byte) (letters [][]byte, err error) {
	for len(request) > 0 {
		n, k := binary.Uvarint(request)
		if k <= 0 || n > uint64(len(request)-k) {
			return nil, refuse("Voice", gazetteer.Invalid, "", "the letters end in the middle of one")
		}
		letters = append(letters, append([]byte(nil), request[k:k+int(n)]...))
		request = request[k+int(n):]
	}
	return letters, nil
}
