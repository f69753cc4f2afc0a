package jsontext

// Raw passes a whole value and returns its text without white space between tokens.
// Everything in it is checked as strictly as what is read value by value.
func (r *Reader) Raw() string {
	r.peek()
	start, spaces := r.i, r.spaces
	r.skip()
	switch {
	case r.err != nil:
		return ""
	case r.spaces == spaces:
		return r.s[start:r.i]
	}
	return compact(r.s[start:r.i])
}

func (r *Reader) skip() {
	switch c := r.peek(); {
	case c == '{':
		for r.Object(); ; {
			if _, ok := r.Key(); !ok {
				return
			}
			r.skip()
		}
	case c == '[':
		for r.Array(); r.Next(); {
			r.skip()
		}
	case c == '"':
		r.quoted()
	case c == 't' || c == 'f':
		r.Bool()
	case c == 'n':
		r.Null()
	case c == '-' || ('0' <= c && c <= '9'):
		r.Number()
	default:
		r.syntax("lacks a value")
	}
}

// compact leaves out the white space between the tokens of a valid text.
func compact(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		switch s[i] {
		case ' ', '\n', '\t', '\r':
			i++
		case '"':
			end := stringEnd(s, i)
			b = append(b, s[i:end]...)
			i = end
		default:
			b = append(b, s[i])
			i++
		}
	}
	return string(b)
}

// stringEnd returns the index after the string that begins at i.
func stringEnd(s string, i int) int {
	for i = plainEnd(s, i+1); s[i] != '"'; i = plainEnd(s, i) {
		i += 2
	}
	return i + 1
}
