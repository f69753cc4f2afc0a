package fleet

import (
	"time"

	"gazetteer"
)

// request is one of a client. It is sent to the nearest region that answers, and if that
// fails once more to the next, as the product's router does.
type request struct {
	crowd  *crowd
	user   *user
	key    gazetteer.Key
	write  bool
	value  uint64
	begun  time.Duration
	expect expectation

	next *sight // where it may be sent again; nil if nowhere, or if it was
	try  *try   // under way
	done bool
}

func (r *request) begin() {
	f, v := r.crowd.fleet, r.crowd.area.view
	v.budget.earn(f.agenda.Now())
	r.expect = f.books.expect(r.user, r.key)
	first, second := v.choose()
	r.next = second
	r.send(first)
	if !r.write && second != nil {
		f.agenda.After(patience, r.losePatience)
		return
	}
	f.agenda.After(deadline, r.expire)
}

func (r *request) send(to *sight) {
	r.try = &try{request: r, sight: to}
	r.try.begin()
}

// losePatience sends a read elsewhere whose region has not begun to answer.
func (r *request) losePatience() {
	if r.done {
		return
	}
	if r.next != nil && r.crowd.area.view.budget.spend() {
		r.again()
	}
	r.crowd.fleet.agenda.After(deadline-patience, r.expire)
}

func (r *request) again() {
	to := r.next
	r.next = nil
	r.try.abandon()
	r.send(to)
}

func (r *request) expire() {
	if !r.done {
		r.try.abandon()
		r.end(&Answer{Failed: gazetteer.Deadline})
	}
}

// answered takes the answer of a try. What another region may do better goes there: a
// write sets a value, and doing that twice is like doing it once.
func (r *request) answered(a *Answer) {
	retry := !a.Done && r.next != nil && repeatable(a.Failed)
	if retry && r.crowd.area.view.budget.spend() {
		r.again()
		return
	}
	r.end(a)
}

func repeatable(k gazetteer.Kind) bool {
	switch k {
	case gazetteer.Unavailable, gazetteer.Unserved, gazetteer.WrongOwner, gazetteer.Deadline, gazetteer.Internal:
		return true
	}
	return false
}

func (r *request) end(a *Answer) {
	r.done = true
	if !a.Done {
		r.crowd.ended(r, a.Failed.String(), "", false)
		return
	}
	wrong, stale := r.judge(a)
	r.user.saw(r.key, a)
	r.crowd.ended(r, "", wrong, stale)
}

// judge holds an answer against what the clients know.
func (r *request) judge(a *Answer) (wrong string, stale bool) {
	books := &r.crowd.fleet.books
	if r.write {
		books.acknowledged(r.key, a.Stamp)
		return "", false
	}
	wrong = books.wrong(r.key, r.expect, a)
	return wrong, wrong == "" && a.Stamp.Compare(r.expect.newest) < 0
}
