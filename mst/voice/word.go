package voice

import (
	"slices"
	"time"

	"gazetteer"
)

// hurryAfter is the shortest time between two words to everybody: what changes in a
// moment makes one word.
const hurryAfter = 250 * time.Millisecond

// speak sends the words that are due: at each beat, when something has changed, and to a
// voice that is new and has heard nothing yet.
func (v *Voice) speak() {
	switch {
	case !v.ticked:
	case v.now >= v.speakAt || v.hurry && v.now >= v.spokeAt+hurryAfter:
		v.speakToAll()
	default:
		v.speakToNew()
	}
}

func (v *Voice) speakToAll() {
	v.hurry, v.spokeAt, v.speakAt = false, v.now, v.now+v.beat()
	if len(v.peers) == 0 {
		return
	}
	w := v.word()
	for _, p := range v.peers {
		p.owed = false
		v.send(p.name, w)
	}
}

func (v *Voice) speakToNew() {
	for _, p := range v.peers {
		if p.owed {
			p.owed = false
			v.send(p.name, v.word())
		}
	}
}

// word says what this region knows.
func (v *Voice) word() Word {
	v.words++
	w := Word{
		Voice: v.number, Number: v.words, Pace: v.beat().Truncate(time.Millisecond), Epoch: v.highestKnown(),
		Tree: v.tree.Epoch, Regions: v.tree.Regions, Messages: v.messages,
	}
	for _, p := range v.peers {
		w.Entries = append(w.Entries, v.entry(p))
	}
	return w
}

// entry is what this region says of p.
func (v *Voice) entry(p *peer) Entry {
	why := v.why(p)
	return Entry{
		Region: p.name, Hearing: p.hearing, Cost: v.cost(p),
		Seen: v.sawEdge(p.name), Tree: why == Tree, Asks: why == Provisional || why == Shortcut || why == Contact,
	}
}

func (v *Voice) sawEdge(to gazetteer.RegionID) bool {
	_, ok := slices.BinarySearch(v.seen, to)
	return ok
}

// onWord takes a word. What a voice that has just begun does not know yet is no news.
func (v *Voice) onWord(p *peer, w Word) {
	if w.Voice == p.word.Voice && w.Number <= p.word.Number {
		return
	}
	p.owed = p.owed || w.Voice != p.word.Voice
	if w.Tree != p.word.Tree {
		v.changed = true
	}
	p.word = w
	p.align(v.members)
	v.heardOf(w.Epoch)
	mine := p.row[v.self]
	p.wants = mine.Tree || mine.Asks
	v.answered(p, mine.Hearing)
}

// answered takes what p says of hearing this region.
func (v *Voice) answered(p *peer, there Hearing) {
	here := p.hearing
	switch {
	case there.words():
		p.hearing = Mutual
	case there == Silent:
		p.hearing = OneWay
	}
	if p.hearing != here {
		v.stir()
	}
}
