package mst

import "fmt"

// Message travels along one edge. The first seven are the paper's; the last three end
// a run, see [Member].
type Message interface {
	Kind() Kind
	String() string
}

// Connect asks to join the fragment at the other end.
type Connect struct{ Level int }

// Initiate gives the receiver's side of the tree a level and the name that belongs to
// it. With State Find it also starts a search for the lightest outgoing edge.
type Initiate struct {
	Level    int
	Fragment Weight
	State    State
}

// Test asks whether this edge leads out of the sender's fragment.
type Test struct {
	Level    int
	Fragment Weight
}

// Accept answers a Test: the edge leads to another fragment.
type Accept struct{}

// Reject answers a Test: both ends are of one fragment.
type Reject struct{}

// Report tells, towards the core, the lightest outgoing edge below the sender.
type Report struct{ Best Bound }

// ChangeRoot travels from the core to the lightest outgoing edge of the fragment.
type ChangeRoot struct{}

// Done floods the tree from its lower core node: the tree stands, count it.
type Done struct{}

// Count answers a Done, towards the core: what stands below its sender, itself included.
type Count struct {
	Regions int
	Weight  uint64 // sum of the costs
}

// Install floods the tree from its lower core node, with its whole count: use it.
type Install struct {
	Regions int
	Weight  uint64 // sum of the costs
}

// Kind tells messages apart where their content does not matter.
type Kind uint8

// The kinds, in the order of the paper.
const (
	KindConnect Kind = iota
	KindInitiate
	KindTest
	KindAccept
	KindReject
	KindReport
	KindChangeRoot
	KindDone
	KindCount
	KindInstall
)

// PaperKinds is how many kinds the paper has: those below it are GHS, the others end
// a run.
const PaperKinds = KindDone

var kindNames = [...]string{"connect", "initiate", "test", "accept", "reject", "report", "change_root",
	"done", "count", "install"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Kind returns KindConnect.
func (Connect) Kind() Kind { return KindConnect }

// Kind returns KindInitiate.
func (Initiate) Kind() Kind { return KindInitiate }

// Kind returns KindTest.
func (Test) Kind() Kind { return KindTest }

// Kind returns KindAccept.
func (Accept) Kind() Kind { return KindAccept }

// Kind returns KindReject.
func (Reject) Kind() Kind { return KindReject }

// Kind returns KindReport.
func (Report) Kind() Kind { return KindReport }

// Kind returns KindChangeRoot.
func (ChangeRoot) Kind() Kind { return KindChangeRoot }

// Kind returns KindDone.
func (Done) Kind() Kind { return KindDone }

// Kind returns KindCount.
func (Count) Kind() Kind { return KindCount }

// Kind returns KindInstall.
func (Install) Kind() Kind { return KindInstall }

func (m Connect) String() string { return fmt.Sprintf("connect %d", m.Level) }
func (m Initiate) String() string {
	return fmt.Sprintf("initiate %d %v %v", m.Level, m.Fragment, m.State)
}
func (m Test) String() string   { return fmt.Sprintf("test %d %v", m.Level, m.Fragment) }
func (Accept) String() string   { return "accept" }
func (Reject) String() string   { return "reject" }
func (m Report) String() string { return fmt.Sprintf("report %v", m.Best) }

func (ChangeRoot) String() string { return "change_root" }
func (Done) String() string       { return "done" }
func (m Count) String() string    { return fmt.Sprintf("count %d %d", m.Regions, m.Weight) }
func (m Install) String() string  { return fmt.Sprintf("install %d %d", m.Regions, m.Weight) }
