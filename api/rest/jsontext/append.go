package jsontext

import (
	"math"
	"strconv"
)

// AppendString appends s as a JSON string. Only what RFC 8259 demands is escaped.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for {
		end := plainEnd(s, 0)
		dst = append(dst, s[:end]...)
		if end == len(s) {
			return append(dst, '"')
		}
		dst = appendEscape(dst, s[end])
		s = s[end+1:]
	}
}

func appendEscape(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// AppendFloat appends the shortest decimal that reads back as v. JSON has no infinity
// and no NaN: they become null.
func AppendFloat(dst []byte, v float64) []byte {
	if scaled := v * micro; math.Abs(scaled) < 1e15 {
		if n := int64(math.Round(scaled)); float64(n)/micro == v {
			return appendMicros(dst, n, v)
		}
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(dst, "null"...)
	}
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(dst, v, 'e', -1, 64)
	}
	return strconv.AppendFloat(dst, v, 'f', -1, 64)
}

// micro scales the numbers that are met most, coordinates and weights, to whole ones. A
// decimal of at most 15 digits is the only one of its length that reads as its float64,
// so writing it is both shortest and exact.
const micro = 1e6

func appendMicros(dst []byte, n int64, v float64) []byte {
	if n < 0 {
		dst, n = append(dst, '-'), -n
	} else if n == 0 && math.Signbit(v) {
		dst = append(dst, '-')
	}
	dst = strconv.AppendInt(dst, n/micro, 10)
	frac := n % micro
	if frac == 0 {
		return dst
	}
	dst = append(dst, '.')
	for frac != 0 {
		frac *= 10
		dst = append(dst, byte('0'+frac/micro))
		frac %= micro
	}
	return dst
}

// AppendFixed appends v rounded to a number of decimals from 0 to 6, without trailing
// zeros.
func AppendFixed(dst []byte, v float64, decimals int) []byte {
	scale := math.Pow10(decimals)
	return AppendFloat(dst, math.Round(v*scale)/scale)
}
