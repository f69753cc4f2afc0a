// Package jsontext reads JSON strictly and writes it fast.
//
// A [Reader] walks one text in a single pass and lets its caller build what he wants
// of it: there is no tree and no reflection in between. It takes what RFC 8259 and
// RFC 7493 (I-JSON) call valid and nothing else: no duplicate keys, no lone
// surrogates, no invalid UTF-8, no number beyond a float64, nothing after the value,
// and at most [MaxDepth] levels. Its errors point at the place by JSON pointer
// (RFC 6901). The Append functions write values into a buffer, as strconv's do.
package jsontext

// MaxDepth is how deep arrays and objects may nest.
const MaxDepth = 32
