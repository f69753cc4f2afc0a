package pb

import (
	"gazetteer"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of ReadRequest, ReadReply and Hop in peer.proto.
const (
	readType    = 1
	readID      = 2
	readSession = 3

	replyRecord    = 1
	replyNode      = 2
	replyRing      = 3
	replyStaleness = 4
	replyDegraded  = 5
	replyHops      = 6
	replyRegion    = 7
	replyCovered   = 8

	hopRole = 1
	hopName = 2
	hopTook = 3

	// ElementsUpdates is the field of Elements that is appended in place.
	ElementsUpdates = 5
)

// AppendReadRequest appends a ReadRequest. A session is what ring.AppendToken writes,
// empty for none.
func AppendReadRequest(dst []byte, k gazetteer.Key, session []byte) []byte {
	dst = appendString(dst, readType, string(k.Type))
	dst = appendString(dst, readID, string(k.ID))
	if len(session) == 0 {
		return dst
	}
	return protowire.AppendBytes(protowire.AppendTag(dst, readSession, protowire.BytesType), session)
}

// DecodeReadRequest returns the key and the session that a ReadRequest names, as views of
// b.
func DecodeReadRequest(b []byte) (typ, id string, session []byte, err error) {
	for len(b) > 0 {
		f, rest, err := nextField(b)
		if err != nil {
			return "", "", nil, malformed("pb.DecodeReadRequest", err)
		}
		switch f.number {
		case readType:
			err = f.text(&typ)
		case readID:
			err = f.text(&id)
		case readSession:
			err = f.view(&session)
		}
		if err != nil {
			return "", "", nil, malformed("pb.DecodeReadRequest", err)
		}
		b = rest
	}
	return typ, id, session, nil
}

// ReadInfo is a ReadReply without its record.
type ReadInfo struct {
	Node, Ring     string
	StalenessNanos uint64
	Degraded       bool
	Hops           []ReadHop
	Region         string
	Covered        bool
}

// ReadHop is one Hop.
type ReadHop struct {
	Role, Name string
	TookNanos  uint64
}

// BeginReadRecord opens the record of a ReadReply, to be appended in place and closed
// with [EndBytes]; [AppendReadInfo] appends the rest.
func BeginReadRecord(dst []byte) ([]byte, int) { return BeginBytes(dst, replyRecord) }

// AppendReadInfo appends the rest of a ReadReply.
func AppendReadInfo(dst []byte, i *ReadInfo) []byte {
	dst = appendString(dst, replyNode, i.Node)
	dst = appendString(dst, replyRing, i.Ring)
	dst = appendUint(dst, replyStaleness, i.StalenessNanos)
	if i.Degraded {
		dst = appendUint(dst, replyDegraded, 1)
	}
	for _, h := range i.Hops {
		dst = appendHop(dst, h)
	}
	dst = appendString(dst, replyRegion, i.Region)
	if i.Covered {
		dst = appendUint(dst, replyCovered, 1)
	}
	return dst
}

func appendHop(dst []byte, h ReadHop) []byte {
	dst, start := BeginBytes(dst, replyHops)
	dst = appendString(dst, hopRole, h.Role)
	dst = appendString(dst, hopName, h.Name)
	dst = appendUint(dst, hopTook, h.TookNanos)
	EndBytes(dst, start)
	return dst
}

// DecodeReadReply sets every field of i and returns the record, all as views of b. The
// memory of i.Hops is used again; nothing else is allocated.
func DecodeReadReply(b []byte, i *ReadInfo) (record []byte, err error) {
	*i = ReadInfo{Hops: i.Hops[:0]}
	for len(b) > 0 {
		f, rest, err := nextField(b)
		if err == nil && f.number == replyRecord {
			err = f.view(&record)
		} else if err == nil {
			err = setReadInfo(i, f)
		}
		if err != nil {
			return nil, malformed("pb.DecodeReadReply", err)
		}
		b = rest
	}
	return record, nil
}

func setReadInfo(i *ReadInfo, f field) error {
	switch f.number {
	case replyNode:
		return f.text(&i.Node)
	case replyRing:
		return f.text(&i.Ring)
	case replyStaleness:
		return f.uint(&i.StalenessNanos)
	case replyDegraded:
		return f.bool(&i.Degraded)
	case replyHops:
		return addHop(i, f)
	case replyRegion:
		return f.text(&i.Region)
	case replyCovered:
		return f.bool(&i.Covered)
	}
	return nil
}

func addHop(i *ReadInfo, f field) error {
	if f.kind != protowire.BytesType {
		return errKind
	}
	i.Hops = append(i.Hops, ReadHop{})
	h := &i.Hops[len(i.Hops)-1]
	for b := f.bytes; len(b) > 0; {
		f, rest, err := nextField(b)
		if err != nil {
			return err
		}
		switch f.number {
		case hopRole:
			err = f.text(&h.Role)
		case hopName:
			err = f.text(&h.Name)
		case hopTook:
			err = f.uint(&h.TookNanos)
		}
		if err != nil {
			return err
		}
		b = rest
	}
	return nil
}

func appendUint(dst []byte, n protowire.Number, x uint64) []byte {
	if x == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendTag(dst, n, protowire.VarintType), x)
}

func malformed(op string, err error) error {
	return &gazetteer.Error{Op: op, Kind: gazetteer.Invalid, Detail: "the message is malformed", Err: err}
}
