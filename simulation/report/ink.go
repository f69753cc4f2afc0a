package report

import (
	"fmt"
	"strings"
)

// The inks are drawn as they stand in the files for other programs; in the page each is a
// variable of the style sheet, so that a dark page has light letters.
const (
	ink    tint = 0x1f2328
	muted  tint = 0x636c76
	grid   tint = 0xe1e4e8
	bad    tint = 0xcf222e
	good   tint = 0x1a7f37
	warn   tint = 0xbf8700
	accent tint = 0x1f5fc4
	land   tint = 0xe9ecef
	sea    tint = 0xf9fafb // and what is behind words on the map
)

// tint is a colour, 0xRRGGBB.
type tint uint32

// RGBA implements color.Color.
func (t tint) RGBA() (r, g, b, a uint32) {
	return uint32(t>>16&0xff) * 0x101, uint32(t>>8&0xff) * 0x101, uint32(t&0xff) * 0x101, 0xffff
}

// tone is what kind of moment a mark is.
type tone string

// The tones; each is a class of the style sheet, too.
const (
	toneFault  tone = "bad"
	toneHealed tone = "good"
	toneScale  tone = "warn"
	toneTree   tone = "accent"
)

func (t tone) ink() tint {
	switch t {
	case toneFault:
		return bad
	case toneHealed:
		return good
	case toneScale:
		return warn
	}
	return accent
}

func hex(t tint) string { return fmt.Sprintf("#%06X", uint32(t)) }

// themed puts the style sheet's variables in the place of inks.
func themed(svg string) string {
	return strings.NewReplacer(
		hex(ink), "var(--ink)", hex(muted), "var(--muted)", hex(grid), "var(--grid)", hex(land), "var(--land)", hex(sea), "var(--sea)",
		hex(bad), "var(--bad)", hex(good), "var(--good)", hex(warn), "var(--warn)", hex(accent), "var(--accent)",
	).Replace(svg)
}

// standalone makes a file of a picture: on white, since its letters are dark.
func standalone(svg string) string {
	head, body, _ := strings.Cut(svg, ">")
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + head + `><rect width="100%" height="100%" fill="#FFFFFF"/>` + body
}

// palette returns the nth colour of curves; all can be told apart, also by most who do
// not see all colours, on a light page and on a dark one.
func palette(n int) tint {
	all := [...]tint{0x4269d0, 0xef9b18, 0xe4574c, 0x3aa99c, 0xa463f2, 0x7aa82f, 0xe56fa8, 0x9c6b4e, 0x8a939c}
	return all[n%len(all)]
}
