package jsontext

// Eight bytes are looked at at once: each lane of a word is one byte.
const (
	lanes = 0x0101010101010101
	highs = 0x8080808080808080
)

// plainPrefix returns how many bytes from i on certainly are neither a quote, a
// backslash nor a control character, counted in whole words.
func plainPrefix(s string, i int) int {
	for ; i+8 <= len(s); i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		if special(w) {
			break
		}
	}
	return i
}

// special reports whether a byte of w may be a quote, a backslash or below a space. It
// never misses one.
func special(w uint64) bool {
	quote := w ^ lanes*'"'
	slash := w ^ lanes*'\\'
	return ((w-lanes*' ')&^w|(quote-lanes)&^quote|(slash-lanes)&^slash)&highs != 0
}

// plainEnd returns the index of the first quote, backslash or control character of s
// from i on, len(s) if there is none.
func plainEnd(s string, i int) int {
	for i = plainPrefix(s, i); i < len(s); i++ {
		if c := s[i]; c == '"' || c == '\\' || c < ' ' {
			break
		}
	}
	return i
}
