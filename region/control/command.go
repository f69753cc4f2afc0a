package control

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"gazetteer"
)

// commandVersion is the only one this program makes and understands. Members that differ
// in what they understand would come to differ in their state, so a later one may be
// used only when every member knows it; see [JoinRequest.Version].
const commandVersion = 1

// maxCommandBytes bounds one command: room for a placement of 65,536 partitions in
// ranges of one.
const maxCommandBytes = 1 << 20

// Command asks for one change of the state, all or nothing.
type Command struct {
	// Expect is the epoch of the plan that the edit was made for: at any other it is
	// refused with the kind Precondition. It is 0 for edits that stand on nothing but
	// a token.
	Expect uint64
	Edit   Edit
}

// Edit is one kind of change. Its fields say what is to become, never what time it is or
// what a library would propose: all members must come to the same state.
type Edit interface {
	kind() string
	// guarded reports whether the edit needs the epoch it was made for.
	guarded() bool
	// edit changes s, which it owns, and reports whether the plan changed.
	edit(s *state) (bool, error)
}

// envelope is a command or a request as bytes.
type envelope struct {
	Version int             `json:"v"`
	Kind    string          `json:"kind"`
	Expect  uint64          `json:"expect,omitempty"`
	Body    json.RawMessage `json:"body"`
}

// Encode returns the bytes that [DecodeCommand] reads.
func (c Command) Encode() ([]byte, error) {
	body, err := json.Marshal(c.Edit)
	if err != nil {
		return nil, commandError(gazetteer.Internal, "%v", err)
	}
	data, err := json.Marshal(envelope{Version: commandVersion, Kind: c.Edit.kind(), Expect: c.Expect, Body: body})
	if err != nil {
		return nil, commandError(gazetteer.Internal, "%v", err)
	}
	if len(data) > maxCommandBytes {
		return nil, commandError(gazetteer.TooLarge, "the command %s has %d bytes, want at most %d", c.Edit.kind(), len(data), maxCommandBytes)
	}
	return data, nil
}

// DecodeCommand reads a command. It accepts exactly what [Command.Encode] writes: no key
// that it does not know, none twice, none in other words. Its kind of error is Invalid,
// TooLarge, or Unsupported for a version or a kind of command that it does not know.
func DecodeCommand(data []byte) (Command, error) {
	if len(data) > maxCommandBytes {
		return Command{}, commandError(gazetteer.TooLarge, "%d bytes, want at most %d", len(data), maxCommandBytes)
	}
	var e envelope
	if err := decodeStrict(data, &e); err != nil {
		return Command{}, commandError(gazetteer.Invalid, "%v", err)
	}
	if e.Version != commandVersion {
		return Command{}, commandError(gazetteer.Unsupported, "version %d, this server knows %d", e.Version, commandVersion)
	}
	edit, err := decodeEdit(e.Kind, e.Body)
	if err != nil {
		return Command{}, err
	}
	c := Command{Expect: e.Expect, Edit: edit}
	if again, err := c.Encode(); err != nil || !bytes.Equal(again, data) {
		return Command{}, commandError(gazetteer.Invalid, "the command %s is not written as it should be", e.Kind)
	}
	return c, nil
}

func decodeEdit(kind string, body []byte) (Edit, error) {
	for _, e := range edits() {
		if e.blank.kind() == kind {
			return e.decode(body)
		}
	}
	return nil, commandError(gazetteer.Unsupported, "this server knows no command %.80q", kind)
}

// codec reads one kind of edit.
type codec struct {
	blank  Edit
	decode func([]byte) (Edit, error)
}

func edits() []codec {
	return []codec{
		codecOf[found](), codecOf[join](), codecOf[mark](), codecOf[Remove](), codecOf[forget](), codecOf[setNode](),
		codecOf[AddRing](), codecOf[RemoveRing](), codecOf[SetRing](),
		codecOf[AddType](), codecOf[DropType](), codecOf[SetServers](), codecOf[SetAuto](),
		codecOf[beginMoves](), codecOf[SwitchMoves](), codecOf[FinishMoves](),
		codecOf[SetPeer](), codecOf[DropPeer](), codecOf[SetTree](),
		codecOf[addToken](), codecOf[RevokeToken](),
	}
}

func codecOf[T Edit]() codec {
	var blank T
	return codec{blank: blank, decode: func(body []byte) (Edit, error) {
		var e T
		if err := decodeStrict(body, &e); err != nil {
			return nil, commandError(gazetteer.Invalid, "%s: %v", blank.kind(), err)
		}
		return e, nil
	}}
}

// decodeStrict reads one JSON value and nothing after it, with known keys only.
func decodeStrict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("something follows the value")
	}
	return nil
}

func commandError(kind gazetteer.Kind, format string, args ...any) error {
	return &gazetteer.Error{Op: "control.Command", Kind: kind, Detail: fmt.Sprintf(format, args...)}
}

// refuse is the answer of an edit that does not fit the state.
func refuse(kind gazetteer.Kind, pointer, format string, args ...any) error {
	return &gazetteer.Error{Op: "control.Apply", Kind: kind, Pointer: pointer, Detail: fmt.Sprintf(format, args...)}
}
