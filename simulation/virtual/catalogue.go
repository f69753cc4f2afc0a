package virtual

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"gazetteer"
	"gazetteer/simulation/fleet"
	"gazetteer/simulation/scenario"
)

// Bundled opens the catalogue that comes with the program: resource documents, one a line.
type Bundled func() (io.ReadCloser, error)

// stock is what stands in the planet when the load begins.
type stock struct {
	types []*shelf // in the order in which they were met
}

// shelf is the resources of one type, with how many locations each has.
type shelf struct {
	fleet.Catalogue
	locations []int
}

// readStock reads or makes what a scenario's catalogue names.
func readStock(c *scenario.Catalogue, bundled Bundled) (*stock, error) {
	s := &stock{}
	if c.Bundled {
		if bundled == nil {
			return nil, refused("/catalogue/bundled", errors.New("this program has no bundled catalogue"))
		}
		in, err := bundled()
		if err != nil {
			return nil, refused("/catalogue/bundled", err)
		}
		defer in.Close()
		if err := s.read(in); err != nil {
			return nil, refused("/catalogue/bundled", err)
		}
	}
	if c.File != "" {
		f, err := os.Open(c.File)
		if err != nil {
			return nil, refused("/catalogue/file", err)
		}
		defer f.Close()
		if err := s.read(f); err != nil {
			return nil, refused("/catalogue/file", fmt.Errorf("%s: %w", c.File, err))
		}
	}
	for i := range c.Synthetic {
		s.make(&c.Synthetic[i])
	}
	return s, nil
}

func refused(pointer string, err error) error {
	return &gazetteer.Error{Op: "virtual.Run", Kind: gazetteer.Invalid, Pointer: pointer, Err: err}
}

func (s *stock) of(t gazetteer.Type) *shelf {
	i := slices.IndexFunc(s.types, func(k *shelf) bool { return k.Type == t })
	if i < 0 {
		i = len(s.types)
		s.types = append(s.types, &shelf{Catalogue: fleet.Catalogue{Type: t}})
	}
	return s.types[i]
}

func (k *shelf) add(id gazetteer.ID, locations int) {
	k.IDs = append(k.IDs, id)
	k.locations = append(k.locations, locations)
}

// make makes up resources called r0, r1 and so on, as the process mode does.
func (s *stock) make(m *scenario.Synthetic) {
	k := s.of(m.Type)
	k.Zipf = m.Zipf
	for n := range m.IDs {
		k.add(gazetteer.ID("r"+strconv.Itoa(n)), m.Locations)
	}
}

// read takes resource documents, one a line. What is asked for and how often each is does
// not stand there: all are alike.
func (s *stock) read(in io.Reader) error {
	lines := bufio.NewReaderSize(in, 64<<10)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := s.readLine(line); err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *stock) readLine(line []byte) error {
	var d struct {
		Type      gazetteer.Type    `json:"type"`
		ID        gazetteer.ID      `json:"id"`
		Locations []json.RawMessage `json:"locations"`
	}
	if err := json.Unmarshal(line, &d); err != nil {
		return err
	}
	if d.Type == "" || d.ID == "" {
		return errors.New("a resource document has a type and an id")
	}
	s.of(d.Type).add(d.ID, len(d.Locations))
	return nil
}

// catalogues are what clients draw from.
func (s *stock) catalogues() (out []fleet.Catalogue) {
	for _, k := range s.types {
		out = append(out, k.Catalogue)
	}
	return out
}
