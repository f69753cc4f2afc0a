package main

import (
	"fmt"
	"io"
)

// table prints one line for each figure, as soon as it is known.
type table struct {
	out    io.Writer
	titled bool
}

func newTable(out io.Writer) *table { return &table{out: out} }

func (t *table) line(what, value, bar string) {
	const format = "%-58s  %-34s  %s\n"
	if !t.titled {
		fmt.Fprintf(t.out, format, "figure", "median (spread)", "bar")
		t.titled = true
	}
	fmt.Fprintf(t.out, format, what, value, bar)
}
