package control

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"sync"

	"gazetteer"
	"gazetteer/cluster/mastery"
)

// decided is the ledger of mode mastered: what the region has decided on the records that
// have their home in it. It goes through the same log as the plan and lies beside it: no
// plan is made, saved or sent because of a decision.
type decided struct {
	mu     sync.Mutex      // guards following
	ledger *mastery.Ledger // nil before the first decision
}

// decisionMark begins a decision in the log; a command of the plan begins with a brace.
const decisionMark = 'M'

func isDecision(data []byte) bool { return len(data) > 0 && data[0] == decisionMark }

// Decision is what became of a command of the ledger.
type Decision struct {
	Entry mastery.Entry // after it
	Err   error         // then nothing was changed
}

// apply performs a decision. Whatever its bytes say, it returns; see machine.apply.
func (d *decided) apply(now *agreed, data []byte) (r Decision) {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			r = Decision{Err: refuse(gazetteer.Internal, "", "a fault in performing a decision: %v", p)}
		}
	}()
	if now == nil {
		return Decision{Err: refuse(gazetteer.Unavailable, "", "the region is not founded yet: retry in a second")}
	}
	c, err := mastery.DecodeCommand(data[1:])
	if err != nil {
		return Decision{Err: err}
	}
	if d.ledger == nil {
		d.ledger = mastery.NewLedger(now.state.Region)
	}
	e, err := d.ledger.Perform(c)
	return Decision{Entry: e, Err: err}
}

func (d *decided) copy() *mastery.Ledger {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ledger == nil {
		return nil
	}
	return d.ledger.Clone()
}

func (d *decided) replace(l *mastery.Ledger) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ledger = l
}

// A snapshot is the sealed state, alone as long as nothing was decided. Else before it
// stand ledgerHead, the sealed state's length and the SHA-256 of all that follows, and
// behind it the ledger.
const (
	ledgerHead = "gazetteer-decisions 1\n"
	// maxLedgerBytes is more than mastery.MaxEntries with the longest names.
	maxLedgerBytes   = 128 << 20
	maxSnapshotBytes = maxSealBytes + maxLedgerBytes
)

func sealAll(a *agreed, l *mastery.Ledger) ([]byte, error) {
	plan, err := a.seal()
	if err != nil || l == nil {
		return plan, err
	}
	ledger, err := l.Encode()
	if err != nil {
		return nil, sealError("%v", err)
	}
	if len(ledger) > maxLedgerBytes {
		return nil, sealError("the ledger has %d bytes, at most %d are allowed", len(ledger), maxLedgerBytes)
	}
	body := append(binary.BigEndian.AppendUint32(nil, uint32(len(plan))), plan...)
	body = append(body, ledger...)
	sum := sha256.Sum256(body)
	return append(append([]byte(ledgerHead), sum[:]...), body...), nil
}

// restoreAll takes the place of everything with what sealAll has returned.
func (m *machine) restoreAll(data []byte) error {
	rest, ok := bytes.CutPrefix(data, []byte(ledgerHead))
	if !ok {
		if err := m.restore(data); err != nil {
			return err
		}
		m.decided.replace(nil)
		return nil
	}
	plan, ledger, err := cutLedger(rest)
	if err != nil {
		return err
	}
	a, err := unseal(plan)
	if err != nil {
		return err
	}
	l, err := mastery.DecodeLedger(a.state.Region, ledger)
	if err != nil {
		return &gazetteer.Error{Op: "control.unseal", Kind: gazetteer.Invalid, Detail: "the ledger cannot be read", Err: err}
	}
	m.now.Store(a)
	m.decided.replace(l)
	return nil
}

func cutLedger(rest []byte) (plan, ledger []byte, err error) {
	if len(rest) < sha256.Size+4 {
		return nil, nil, sealError("it was cut short")
	}
	body := rest[sha256.Size:]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], rest[:sha256.Size]) {
		return nil, nil, sealError("the checksum of the decisions does not fit: it was damaged or cut short")
	}
	n := uint64(binary.BigEndian.Uint32(body))
	if n > uint64(len(body)-4) {
		return nil, nil, sealError("the plan is said to have %d bytes of %d", n, len(body)-4)
	}
	return body[4 : 4+n], body[4+n:], nil
}
