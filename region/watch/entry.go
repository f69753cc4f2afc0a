package watch

import (
	"sync/atomic"

	"gazetteer"
)

// Kind says what an Entry shows.
type Kind uint8

const (
	Put      Kind = iota + 1 // an element has this value
	Delete                   // an element is gone
	Snapshot                 // an element has this value as the watch begins, or begins anew
	Bookmark                 // all that is covered by the vectors has been shown
	Reset                    // forget everything: what follows, up to the next bookmark, is all there is
	Beat                     // nothing has happened for a while
)

// Entry is one thing that a watch shows. It is shared by all watchers that it concerns,
// and nobody changes it.
type Entry struct {
	Kind   Kind
	Index  uint32           // of Put, Delete and Snapshot: the partition
	Update gazetteer.Update // likewise
	// CatchUp: values of the element before this one may have been passed over.
	CatchUp bool
	// Vectors, by partition, of Bookmark: from here the watch goes on at any server of any
	// region, see [Cursor].
	Vectors []gazetteer.Vector

	texts [texts]atomic.Pointer[[]byte]
}

// texts is how many encodings of an entry are kept.
const texts = 4

// Text returns the entry in one of the forms that a face gives it, numbered from 0. It is
// made once for all watchers.
func (e *Entry) Text(form int, make func(*Entry) []byte) []byte {
	if t := e.texts[form].Load(); t != nil {
		return *t
	}
	t := make(e)
	e.texts[form].Store(&t)
	return t
}

func entryOf(u *Update) *Entry {
	e := &Entry{Kind: Put, Index: u.Index, Update: u.Update, CatchUp: u.Scan}
	if u.Tombstone {
		e.Kind = Delete
	}
	return e
}

func (e *Entry) size() int { return e.Update.Size() }

// covered reports whether vectors cover what the entry shows.
func (e *Entry) covered(vectors []gazetteer.Vector) bool {
	return vectors[e.Index].Covers(e.Update.Position)
}
